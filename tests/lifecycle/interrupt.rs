//! A start that is interrupted ends what it has begun; one that is interrupted twice, at once.

use std::process::Child;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::home::{Home, Program, Told, catches, eventually};
use crate::start::{FAILED, signal, waiting_start};

#[test]
fn a_start_that_is_interrupted_ends_its_daemon_and_says_so() {
    for (interrupt, name, code) in [(Signal::SIGINT, "SIGINT (2)", 130), (Signal::SIGTERM, "SIGTERM (15)", 143)] {
        let home = Home::new();
        let launcher = waiting_start(&home, "sleeper");
        signal(&launcher, interrupt);
        let words = format!("error: the start was interrupted by {name}, and the daemon was ended\n");
        Told::of(launcher).assert(code, FAILED, &words);
        home.assert_nothing_left();
    }
}

/// Interrupts a command at a moment, and expects its code and that nothing is left, also no name.
#[track_caller]
fn assert_leaves_nothing(program: Program, words: &[&str], moment: u64, home: &Home) {
    let launcher = program.spawn(words);
    std::thread::sleep(Duration::from_micros(moment));
    signal(&launcher, Signal::SIGINT);
    let code = Told::of(launcher).code;
    // In the foreground a daemon that was there already ends in order.
    assert!(code == 130 || (words != ["start"] && code == 0), "after {moment} us: {code}");
    home.assert_nothing_left();
}

#[test]
fn a_start_interrupted_at_any_moment_leaves_no_process_and_no_name() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        for moment in (0..20).map(|step| step * 500) {
            let program = home.actor("sleeper").set("ACTOR_READY", "notify").set("ACTOR_DETACH", detach);
            assert_leaves_nothing(program, &["start"], moment, &home);
        }
        assert_eq!(home.actor("ready").run(&["start"]).code, 0);
    }
}

#[test]
fn a_run_in_the_foreground_interrupted_at_any_moment_leaves_no_name() {
    let home = Home::new();
    for moment in (0..20).map(|step| step * 500) {
        assert_leaves_nothing(home.actor("ready"), &["run"], moment, &home);
    }
}

#[test]
fn an_interrupt_while_another_start_is_waited_for_ends_the_one_that_waits_and_nothing_else() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        let first = waiting_start(&home, "ready-on-go");
        let program = home.actor("ready-on-go").set("ACTOR_DETACH", detach).set("ACTOR_START_TIMEOUT", "1h");
        let second = program.spawn(&["start"]);
        eventually("the second one to wait", || has_blocked_or_caught(&second, Signal::SIGINT));
        signal(&second, Signal::SIGINT);
        let words = "error: the start was interrupted by SIGINT (2) while it waited for another process, and nothing was begun\n";
        Told::of(second).assert(130, FAILED, words);
        home.go();
        Told::of(first).assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    }
}

fn has_blocked_or_caught(child: &Child, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let masks = status.lines().filter_map(|line| line.strip_prefix("SigBlk:").or(line.strip_prefix("SigCgt:")));
    let bits = masks.filter_map(|mask| u64::from_str_radix(mask.trim(), 16).ok()).fold(0, |all, mask| all | mask);
    bits & (1 << (signal as i32 - 1)) != 0
}

/// A start whose daemon hears that it is to end and does not, for longer than any test waits.
fn deaf_start(home: &Home) -> Child {
    let program = home.actor("deaf").set("ACTOR_READY", "notify").set("ACTOR_START_TIMEOUT", "1h");
    let launcher = program.set("ACTOR_STOP_TIMEOUT", "1h").spawn(&["start"]);
    eventually("a daemon that hears", || home.pidfile().exists() && catches(home.pid(), Signal::SIGTERM));
    launcher
}

/// Whether the signal was taken by now; until then a second one would be the same.
fn is_taken(child: &Child, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    let pending = pending.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0);
    pending & (1 << (signal as i32 - 1)) == 0
}

#[test]
fn a_second_interrupt_ends_a_daemon_at_once_that_does_not_listen() {
    for second in [Signal::SIGINT, Signal::SIGTERM] {
        let home = Home::new();
        let launcher = deaf_start(&home);
        signal(&launcher, Signal::SIGINT);
        eventually("the first one to be taken", || is_taken(&launcher, Signal::SIGINT));
        signal(&launcher, second);
        let words = "error: the start was interrupted by SIGINT (2), and the daemon was ended\n";
        Told::of(launcher).assert(130, FAILED, words);
        home.assert_nothing_left();
    }
}

#[test]
fn an_interrupt_does_not_let_a_start_wait_that_has_run_out_of_time() {
    let home = Home::new();
    let program = home.actor("slow").set("ACTOR_READY", "notify").set("ACTOR_START_TIMEOUT", "100ms");
    let launcher = program.set("ACTOR_STOP_TIMEOUT", "1h").spawn(&["start"]);
    // It is asked to end because it is late, and takes its time.
    eventually("the request", || home.lines("notes") == ["asked"]);
    signal(&launcher, Signal::SIGINT);
    let words =
        "error: the daemon was not ready within 100ms, and was ended; `--timeout` or `start_timeout` gives it longer\n";
    Told::of(launcher).assert(1, FAILED, words);
    home.assert_nothing_left();
}
