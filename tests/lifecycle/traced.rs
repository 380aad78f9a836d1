//! With the feature `tracing` the daemon tells of itself to whom the program has set, and to nobody else.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, eventually};
use crate::stages::STAGES;

fn traced(home: &Home, listens: &str) -> Program {
    let program = home.cast(Path::new(env!("CARGO_BIN_EXE_traced")), "").set("ACTOR_LISTENS", listens);
    program.set("ACTOR_EVENTS", home.path("events"))
}

/// A whole life, with a signal in between; the daemon's pid.
#[track_caller]
fn live(home: &Home, listens: &str, detach: &str) -> i32 {
    let told = traced(home, listens).set("ACTOR_DETACH", detach).run(&["start"]);
    assert_eq!((told.code, told.stderr.contains("error")), (0, false), "{told:?}");
    let pid = home.pid();
    kill(Pid::from_raw(pid), Signal::SIGUSR1).expect("it is there");
    eventually("the call", || home.lines("notes").contains(&"called".to_owned()));
    traced(home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    pid
}

#[test]
fn a_life_is_told_from_the_first_stage_to_the_end() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        let pid = live(&home, "tracing", detach);
        let event = |level: &str, event: &str, fields: &str| {
            format!("{level} message={event} name=\"actor\" pid={pid}{fields}")
        };
        let mut events: Vec<_> =
            STAGES.iter().map(|stage| event("DEBUG", "stage", &format!(" stage=\"{stage}\""))).collect();
        events.push(event("INFO", "ready", ""));
        events.push(event("INFO", "signal", " signal=\"SIGUSR1 (10)\""));
        events.push(event("INFO", "signal", " signal=\"SIGTERM (15)\""));
        events.push(event("INFO", "shutdown", " reason=\"Terminated by SIGTERM (15)\" code=0"));
        assert_eq!(home.lines("events"), events, "{detach}");
    }
}

#[test]
fn ticks_are_told_with_their_numbers_and_what_failed_with_its_error() {
    let home = Home::new();
    let program = traced(&home, "tracing").set("ACTOR_EVERY", "10ms");
    assert_eq!(program.set("ACTOR_STDERR", home.path("log")).run(&["start"]).code, 0);
    eventually("its end", || home.lines("events").iter().any(|line| line.contains("=shutdown ")));
    let told = home.lines("events");
    let ticks: Vec<_> = told.iter().filter_map(|line| line.split_once(" message=tick")).collect();
    let fields: Vec<_> = ticks.iter().map(|(level, tick)| (*level, tick.split(" tick=").nth(1))).collect();
    assert_eq!(
        fields,
        [
            ("DEBUG", Some("0 lateness=\"-\"")),
            ("WARN", Some("1 lateness=\"-\" error=\"tick 1 failed: no luck\"")),
            ("DEBUG", Some("2 lateness=\"-\"")),
        ]
    );
    home.assert_nothing_left();
}

#[test]
fn a_logger_of_the_crate_log_gets_them_too() {
    let home = Home::new();
    let pid = live(&home, "log", "true");
    let ready = format!("INFO daemon_runtime ready name=\"actor\" pid={pid}");
    assert!(home.lines("events").contains(&ready), "{:?}", home.lines("events"));
}

#[test]
fn a_subscriber_that_panics_costs_the_daemon_nothing_and_without_one_nothing_is_told() {
    for listens in ["panics", ""] {
        let home = Home::new();
        live(&home, listens, "true");
        assert_eq!(home.read("events"), "", "{listens}");
        assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"], "{listens}");
    }
}
