//! A start that is interrupted ends what it has begun; one that is interrupted twice, at once.

use std::process::Child;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::home::{Home, Told, catches, eventually};
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

#[test]
fn a_start_interrupted_at_any_moment_leaves_no_process_and_no_pidfile() {
    let home = Home::new();
    for moment in 0..20 {
        let launcher = home.actor("sleeper").set("ACTOR_READY", "notify").spawn(&["start"]);
        std::thread::sleep(Duration::from_millis(moment));
        signal(&launcher, Signal::SIGINT);
        assert_eq!(Told::of(launcher).code, 130, "after {moment} ms");
        eventually("every process to be gone", || home.processes().is_empty());
        assert!(!home.pidfile().exists(), "after {moment} ms");
    }
    assert_eq!(home.actor("ready").run(&["start"]).code, 0);
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
