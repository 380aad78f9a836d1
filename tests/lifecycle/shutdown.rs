//! The end of a daemon: `on_shutdown` once, with reason and code, and nothing left, whichever way the end comes.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, eventually, is_over};

const STOPPED: &str = "Stopping actor ... OK\n";

/// A daemon that runs; one that does not say so itself is ready in a moment.
fn started(home: &Home, program: Program) -> i32 {
    let told = program.set("ACTOR_SETTLE", "10ms").run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.read("run/actor.pid").trim_end()), "");
    home.pid()
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it is there");
}

fn await_note(home: &Home, note: &str) {
    eventually(note, || home.lines("notes").iter().any(|line| line == note));
}

/// The daemon has ended by itself: everybody sees that, and these were its last words.
#[track_caller]
fn assert_ended(home: &Home, words: &str) {
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), [words]);
    home.actor("ready").run(&["status"]).assert(3, "actor -- not running\n", "");
    home.actor("ready").run(&["stop"]).assert(0, "", "warning: actor is not running\n");
    home.assert_nothing_left();
}

#[test]
fn each_of_the_three_signals_ends_a_worker_with_context_and_one_without() {
    let signals = [(Signal::SIGTERM, "SIGTERM (15)"), (Signal::SIGINT, "SIGINT (2)"), (Signal::SIGQUIT, "SIGQUIT (3)")];
    for role in ["ready", "plain"] {
        for (asked, name) in signals {
            let home = Home::new();
            signal(started(&home, home.actor(role)), asked);
            assert_ended(&home, &format!("Terminated by {name} [0]"));
        }
    }
}

#[test]
fn a_repeating_daemon_ends_between_two_ticks_however_far_the_next_one_is() {
    let home = Home::new();
    let pid = started(&home, home.actor("ticks").set("ACTOR_EVERY", "1h"));
    signal(pid, Signal::SIGTERM);
    assert_ended(&home, "Terminated by SIGTERM (15) [0]");
    assert_eq!(home.lines("notes"), ["tick 0"]);
}

#[test]
fn every_end_that_the_worker_comes_to_by_itself_has_its_reason_and_its_code() {
    let rows = [
        ("ready-then-ends", "Shutting down normally [0]"),
        ("stops-itself", "Shutting down normally [0]"),
        ("ready-then-exits:0", "Shutting down normally [0]"),
        ("ready-then-exits:7", "Exiting with non-zero exit code 7 [7]"),
        ("ready-then-fails", "Dying due to error: too late to tell [1]"),
    ];
    for (role, words) in rows {
        let home = Home::new();
        let told = home.actor(role).run(&["start"]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{role}");
        home.go();
        assert_ended(&home, words);
    }
}

#[test]
fn the_reason_of_a_panic_is_its_text() {
    let home = Home::new();
    started(&home, home.actor("ready-then-panics"));
    home.go();
    home.assert_nothing_left();
    let words = home.lines("last-words");
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].starts_with("Dying due to panic: the sky is falling"), "{words:?}");
    assert!(words[0].ends_with(" [101]"), "{words:?}");
}

#[test]
fn a_start_that_failed_has_had_its_last_words_too() {
    let rows = [
        ("ends", "Shutting down normally [0]"),
        ("fails", "Dying due to error: no such luck [1]"),
        ("exits:42", "Exiting with non-zero exit code 42 [42]"),
    ];
    for (role, words) in rows {
        let home = Home::new();
        home.actor(role).run(&["start"]);
        // Whoever has read how the start came out can count on all of it being over.
        assert_eq!(home.lines("last-words"), [words]);
        assert_eq!((home.processes(), home.run_names()), (vec![], vec![]));
    }
}

#[test]
fn a_worker_with_context_is_waited_for() {
    let home = Home::new();
    let pid = started(&home, home.actor("slow"));
    signal(pid, Signal::SIGTERM);
    await_note(&home, "asked");
    assert_eq!((home.pid(), home.read("last-words")), (pid, String::new()));
    assert_eq!(home.actor("slow").run(&["status"]).code, 0);
    home.go();
    assert_ended(&home, "Terminated by SIGTERM (15) [0]");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (second, words) in
        [(Signal::SIGTERM, "Terminated by SIGTERM (15) [143]"), (Signal::SIGINT, "Terminated by SIGINT (2) [130]")]
    {
        let home = Home::new();
        let pid = started(&home, home.actor("slow"));
        signal(pid, Signal::SIGTERM);
        await_note(&home, "asked");
        signal(pid, second);
        assert_ended(&home, words);
    }
}

#[test]
fn signals_end_a_worker_that_does_not_listen() {
    let home = Home::new();
    let pid = started(&home, home.actor("deaf"));
    // Two that come before it has taken one are one to the kernel, so it is asked until it is gone.
    eventually("its end", || kill(Pid::from_raw(pid), Signal::SIGTERM).is_err() || is_over(pid));
    assert_ended(&home, "Terminated by SIGTERM (15) [143]");
}

#[test]
fn the_pidfile_stays_until_on_shutdown_has_returned() {
    for role in ["ready", "plain", "stops-itself"] {
        let home = Home::new();
        let pid = started(&home, home.actor(role).set("ACTOR_ON_SHUTDOWN", "waits"));
        if role != "stops-itself" {
            signal(pid, Signal::SIGTERM);
        }
        eventually("the last words", || !home.read("last-words").is_empty());
        assert_eq!((home.pid(), home.actor(role).run(&["status"]).code), (pid, 0));
        home.go();
        home.assert_nothing_left();
        assert_eq!(home.lines("last-words").len(), 1);
    }
}

#[test]
fn an_on_shutdown_that_exits_or_panics_runs_once_and_leaves_nothing() {
    for hook in ["exits", "panics"] {
        for role in ["ready", "plain", "ready-then-fails"] {
            let home = Home::new();
            let pid = started(&home, home.actor(role).set("ACTOR_ON_SHUTDOWN", hook));
            match role {
                "ready-then-fails" => home.go(),
                _ => signal(pid, Signal::SIGTERM),
            }
            home.assert_nothing_left();
            assert_eq!(home.lines("last-words").len(), 1, "{role} {hook}");
        }
    }
}

#[test]
fn a_stop_is_over_when_the_last_words_are_said() {
    let home = Home::new();
    started(&home, home.actor("ready"));
    home.actor("ready").run(&["stop"]).assert(0, STOPPED, "");
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
    assert_eq!((home.processes(), home.run_names()), (vec![], vec![]));
}

#[test]
fn the_end_of_a_child_that_was_only_forked_is_not_the_daemons() {
    let home = Home::new();
    let pid = started(&home, home.actor("forks"));
    assert_eq!((home.pid(), home.read("last-words")), (pid, String::new()));
    assert_eq!(home.actor("forks").run(&["status"]).code, 0);
    signal(pid, Signal::SIGTERM);
    assert_ended(&home, "Terminated by SIGTERM (15) [0]");
}

#[test]
fn sigkill_leaves_a_pidfile_that_status_explains_and_the_next_start_replaces() {
    let home = Home::new();
    let pid = started(&home, home.actor("ready"));
    signal(pid, Signal::SIGKILL);
    eventually("its end", || is_over(pid));
    assert_eq!((home.pid(), home.read("last-words")), (pid, String::new()));
    let left = format!("actor -- not running ({} was left behind by pid {pid})\n", home.pidfile().display());
    home.actor("ready").run(&["status"]).assert(1, &left, "");
    started(&home, home.actor("ready"));
    home.actor("ready").run(&["stop"]).assert(0, STOPPED, "");
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

#[test]
fn handlers_that_the_worker_registered_hear_the_signal_as_well() {
    let home = Home::new();
    signal(started(&home, home.actor("handles-term")), Signal::SIGTERM);
    assert_ended(&home, "Terminated by SIGTERM (15) [0]");
    assert_eq!(home.lines("notes"), ["both heard"]);
}

#[test]
fn a_forked_child_that_returns_from_the_worker_ends_as_itself_and_not_as_the_daemon() {
    let home = Home::new();
    assert_eq!(home.actor("forks-and-returns").run(&["start"]).code, 0);
    let pid = home.pid();
    eventually("the child to be gone", || home.processes() == [pid]);
    assert_eq!(home.lines("last-words"), Vec::<String>::new());
    home.actor("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
    home.assert_nothing_left();
}
