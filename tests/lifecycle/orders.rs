//! What can be asked of a repeating daemon while it runs: a tick now, a pause, and the end of it.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::home::{Home, Told, eventually, is_root};
use crate::ticks::{ask, below, json_of, record, start, ticking};

const ACTIONS: [(&str, &str); 3] = [("run-now", "Running"), ("pause", "Pausing"), ("resume", "Resuming")];

/// The number of the tick that `run-now` tells of.
#[track_caller]
fn ran(told: &Told) -> u64 {
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    let number = told.stdout.strip_prefix("Running actor ... OK (tick ").and_then(|rest| rest.split_once(", took "));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or_else(|| panic!("{told:?}"))
}

fn count(home: &Home, what: &str) -> u64 {
    json_of(home)["ticks"][what].as_u64().expect("a count")
}

#[test]
fn run_now_returns_when_a_tick_has_run_and_leaves_the_timetable_as_it_is() {
    let home = Home::new();
    start(&home, "1h", "well");
    let due = || json_of(&home)["ticks"]["next"].clone();
    let before = due();
    assert_eq!([ran(&ask(&home, &["run-now"])), ran(&ask(&home, &["run-now"]))], [1, 2]);
    assert_eq!(home.lines("notes"), ["tick 0", "tick 1", "tick 2"]);
    assert_eq!((count(&home, "done"), count(&home, "skipped")), (3, 0));
    let after = due();
    assert_eq!((&before["number"], &after["number"]), (&json!(1), &json!(3)));
    let seconds = |next: &Value| next["seconds"].as_f64().expect("a number");
    assert!(seconds(&after) <= seconds(&before), "{before} and {after}");
}

#[test]
fn a_tick_that_was_asked_for_and_fails_is_told_with_its_error_and_1() {
    let home = Home::new();
    start(&home, "1h", "well fails panics");
    ask(&home, &["run-now"]).assert(1, "Running actor ... FAILED\n", "error: tick 1 failed: no such luck\n");
    let told = ask(&home, &["run-now"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Running actor ... FAILED\n"));
    assert!(told.stderr.starts_with("error: tick 2 failed: panicked: the sky is falling ("), "{told:?}");
}

#[test]
fn one_that_is_asked_for_while_another_runs_comes_after_it() {
    let home = Home::new();
    start(&home, "1h", "well waits well");
    let first = home.actor("ticks").spawn(&["run-now"]);
    eventually("it to run", || json_of(&home)["ticks"]["running"]["number"] == json!(1));
    let told = ask(&home, &["run-now", "--timeout", "100ms"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Running actor ... FAILED\n"));
    assert!(
        told.stderr.starts_with("error: the tick has not ended within ") && told.stderr.contains("goes on"),
        "{told:?}"
    );
    home.go();
    // It is told of the last one that began after it had asked.
    assert!([1, 2].contains(&ran(&Told::of(first))));
    eventually("the other one", || count(&home, "done") == 3);
    assert_eq!(home.lines("notes"), ["tick 0", "tick 1", "tick 2"]);
}

#[test]
fn in_a_pause_no_tick_begins_by_itself_and_after_it_nothing_is_made_up_for() {
    for missed in ["skip", "burst", "delay"] {
        let home = Home::new();
        let program = ticking(&home, "100ms", "well").set("ACTOR_MISSED", missed).set("ACTOR_STDERR", home.path("log"));
        assert_eq!(program.run(&["start"]).code, 0);
        let told = ask(&home, &["pause"]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
        assert!(told.stdout.starts_with("Pausing actor ... OK"), "{told:?}");
        eventually("the last one to be over", || json_of(&home)["ticks"]["running"] == Value::Null);
        let done = count(&home, "done");
        let lines = below(&ask(&home, &["status"]));
        assert_eq!(lines.last().map(String::as_str), Some("next tick: none, because it is paused"));
        // Asked for, it runs all the same; by then more than one has come due.
        eventually("time to pass", || {
            let last =
                json_of(&home)["ticks"]["last"]["time"].as_str().and_then(|at| humantime::parse_rfc3339(at).ok());
            last.and_then(|last| last.elapsed().ok()).is_some_and(|age| age.as_millis() > 350)
        });
        assert_eq!(count(&home, "done"), done);
        ran(&ask(&home, &["run-now"]));
        assert_eq!((count(&home, "done"), json_of(&home)["ticks"]["paused"].clone()), (done + 1, json!(true)));
        ask(&home, &["pause"]).assert(0, "Pausing actor ... OK\n", "");
        let told = ask(&home, &["resume"]);
        assert!(told.code == 0 && told.stdout.starts_with("Resuming actor ... OK"), "{told:?}");
        eventually("ticks to come again", || count(&home, "done") >= done + 3);
        assert_eq!(json_of(&home)["ticks"]["paused"], json!(false));
        assert_eq!(ask(&home, &["stop"]).code, 0);
        home.assert_nothing_left();
    }
}

#[test]
fn a_pause_lets_a_tick_that_runs_go_on() {
    let home = Home::new();
    start(&home, "20ms", "well waits well");
    eventually("it to run", || json_of(&home)["ticks"]["running"]["number"] == json!(1));
    ask(&home, &["pause"]).assert(0, "Pausing actor ... OK (tick 1 goes on)\n", "");
    home.go();
    eventually("its end", || count(&home, "done") == 2);
    assert_eq!(json_of(&home)["ticks"]["next"], Value::Null);
}

#[test]
fn a_pause_outlives_a_reload_and_no_restart() {
    let home = Home::new();
    start(&home, "1h", "reloads");
    ask(&home, &["pause"]).assert(0, "Pausing actor ... OK\n", "");
    home.go();
    let told = ask(&home, &["run-now"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Running actor ... FAILED\n"));
    assert_eq!(told.stderr, "error: tick 1 failed: the program was begun anew meanwhile\n");
    assert_eq!(json_of(&home)["ticks"]["paused"], json!(true));
    assert_eq!(home.lines("notes"), ["tick 0", "tick 1"]);
    let told = ticking(&home, "1h", "well").run(&["restart"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert_eq!(json_of(&home)["ticks"]["paused"], json!(false));
}

#[test]
fn a_tick_that_is_asked_for_right_before_a_reload_is_run_by_the_next_image() {
    let home = Home::new();
    start(&home, "1h", "well waits-and-reloads well");
    let first = home.actor("ticks").spawn(&["run-now"]);
    eventually("it to run", || json_of(&home)["ticks"]["running"]["number"] == json!(1));
    let second = home.actor("ticks").spawn(&["run-now"]);
    eventually("it to be asked for", || is_asleep_with_a_handle(second.id()));
    home.go();
    ran(&Told::of(second));
    // It is told of the last one that began after it had asked: its own, or that of the next image.
    let told = Told::of(first);
    if told.code != 0 {
        assert_eq!(told.stderr, "error: tick 1 failed: the program was begun anew meanwhile\n");
    }
}

/// Whether a command has opened its handle on the daemon, and waits.
fn is_asleep_with_a_handle(pid: u32) -> bool {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let has_handle =
        links.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|to| to.to_string_lossy().contains("pidfd"));
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    has_handle && stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}

#[test]
fn the_last_tick_is_told_of_also_where_the_daemon_may_not_remove_its_record() {
    if !is_root("the_last_tick_is_told_of_also_where_the_daemon_may_not_remove_its_record") {
        return;
    }
    for (words, expected) in [("well", None), ("well fails", Some("error: tick 1 failed: no such luck\n"))] {
        let home = Home::new();
        let program = ticking(&home, "1h", words).set("ACTOR_TIMES", "2").set("ACTOR_USER", "nobody");
        assert_eq!(program.run(&["start"]).code, 0);
        let told = ask(&home, &["run-now"]);
        match expected {
            None => assert_eq!(ran(&told), 1),
            Some(error) => assert_eq!(told.stderr, error),
        }
        eventually("its end", || ask(&home, &["status"]).code != 0);
        assert_eq!(ask(&home, &["stop"]).code, 0);
        home.assert_nothing_left();
    }
}

#[test]
fn a_paused_daemon_stops_as_any_other() {
    let home = Home::new();
    start(&home, "1h", "well");
    ask(&home, &["pause"]).assert(0, "Pausing actor ... OK\n", "");
    ask(&home, &["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn the_last_tick_may_be_one_that_was_asked_for() {
    let home = Home::new();
    let program = ticking(&home, "1h", "well").set("ACTOR_TIMES", "2");
    assert_eq!(program.run(&["start"]).code, 0);
    assert_eq!(ran(&ask(&home, &["run-now"])), 1);
    home.assert_nothing_left();
}

#[test]
fn who_does_not_run_is_asked_nothing_and_7_says_so() {
    let home = Home::new();
    for (action, verb) in ACTIONS {
        let why = format!("error: not running, so there is nobody to ask to {action}\n");
        ask(&home, &[action]).assert(7, &format!("{verb} actor ... FAILED\n"), &why);
    }
}

#[test]
fn a_daemon_that_takes_no_such_order_is_sent_no_signal_and_3_says_so() {
    let home = Home::new();
    // By the same pidfile it is another daemon, which does not repeat.
    assert_eq!(home.actor("ready").run(&["start"]).code, 0);
    let pid = home.pid();
    for (action, verb) in ACTIONS {
        let told = ask(&home, &[action]);
        assert_eq!((told.code, told.stdout), (3, format!("{verb} actor ... FAILED\n")));
        assert!(
            told.stderr.starts_with(&format!("error: pid {pid} cannot be asked to {action} now")),
            "{}",
            told.stderr
        );
    }
    assert_eq!(home.actor("ready").run(&["status"]).code, 0);
    let told = home.actor("ready").run(&["pause"]);
    assert_eq!(told.code, 2, "one that does not repeat has no such action: {told:?}");
}

#[test]
fn a_daemon_that_stands_still_is_not_waited_for_longer_than_asked() {
    let home = Home::new();
    let pid = start(&home, "1h", "well");
    kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("it is ours");
    let told = ask(&home, &["pause", "--timeout", "100ms"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Pausing actor ... FAILED\n"));
    assert!(told.stderr.starts_with(&format!("error: pid {pid} was asked to pause and has not answered")), "{told:?}");
    kill(Pid::from_raw(pid), Signal::SIGCONT).expect("it is ours");
    eventually("it to heed all the same", || json_of(&home)["ticks"]["paused"] == json!(true));
}

#[test]
fn without_its_record_a_daemon_is_asked_nothing() {
    let home = Home::new();
    let pid = start(&home, "1h", "well");
    fs::remove_file(record(&home)).expect("ours");
    let told = ask(&home, &["pause"]);
    assert_eq!(told.code, 3, "{told:?}");
    assert_eq!(home.pid(), pid);
    ask(&home, &["stop"]).assert(0, "Stopping actor ... OK\n", "");
}

#[test]
fn another_account_may_not_ask() {
    if !is_root("another_account_may_not_ask") {
        return;
    }
    let home = Home::new();
    start(&home, "1h", "well");
    let told = home.as_nobody(home.actor("ticks")).run(&["pause"]);
    assert_eq!(told.code, 4, "{told:?}");
    assert_eq!(json_of(&home)["ticks"]["paused"], json!(false));
}
