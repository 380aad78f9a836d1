//! The cookbook's recipe 12.14, as the example has it, and the ends of a program that became a daemon in this way.

use std::path::Path;

use nix::sys::signal::Signal;

use crate::examples::pid;
use crate::home::{Home, Program, eventually, is_over};
use crate::seeds::{DISK_FULL, assert_left, at_once, full_log, signal};

const PIDFILE: &str = "daemon.pid";
const LOG: &str = "daemon.log";

fn recipe(home: &Home) -> Program {
    home.example("cookbook").set("COOKBOOK_FOLDER", home.path(""))
}

/// Starts it, and gives the daemon's pid.
#[track_caller]
fn start(home: &Home) -> i32 {
    recipe(home).run(&["start"]).assert(0, "", "");
    let pid = pid(home, PIDFILE).expect("a pidfile");
    assert_eq!(home.processes(), [pid]);
    pid
}

#[track_caller]
fn assert_alive(line: &str) {
    let time = line.strip_prefix("Daemon Alive! ").unwrap_or_else(|| panic!("{line:?}"));
    assert!(time.len() == 20 && humantime::parse_rfc3339(time).is_ok(), "{line:?}");
}

#[test]
fn the_recipes_daemon_lives_until_it_is_stopped() {
    let home = Home::new();
    let mut written = 0;
    for _ in 1..=2 {
        let pid = start(&home);
        eventually("both lines", || home.lines(LOG).len() >= written + 2);
        let lines = home.lines(LOG);
        assert_eq!(lines[written], format!("Daemon started with pid {pid}"));
        lines[written + 1..].iter().for_each(|line| assert_alive(line));
        recipe(&home).run(&["start"]).assert(1, "", "Already running\n");
        assert_eq!(home.processes(), [pid]);
        recipe(&home).run(&["stop"]).assert(0, "", "");
        assert!(home.processes().is_empty());
        assert_left(&home, &[LOG]);
        written = home.lines(LOG).len();
    }
    recipe(&home).run(&["stop"]).assert(1, "", "Not running\n");
    assert_left(&home, &[LOG]);
}

#[test]
fn the_recipe_tells_its_usage_and_which_command_it_does_not_know() {
    let home = Home::new();
    let program = recipe(&home).0.get_program().to_string_lossy().into_owned();
    let usage = format!("Usage: {program} [start|stop]\n");
    recipe(&home).run(&[]).assert(1, "", &usage);
    recipe(&home).run(&["start", "now"]).assert(1, "", &usage);
    recipe(&home).run(&["restart"]).assert(1, "", "Unknown command 'restart'\n");
    assert_left(&home, &[]);
}

#[test]
fn of_two_starts_of_the_recipe_one_works_and_one_says_that_it_runs() {
    let home = Home::new();
    let (one, other) = at_once(|| recipe(&home), &["start"], |told| told.code == 0);
    one.assert(0, "", "");
    other.assert(1, "", "Already running\n");
    assert_eq!(home.processes(), [pid(&home, PIDFILE).expect("a pidfile")]);
}

#[test]
fn the_recipes_sigterm_removes_the_pidfile() {
    let home = Home::new();
    signal(start(&home), Signal::SIGTERM);
    assert_left(&home, &[LOG]);
}

#[test]
fn a_recipe_that_was_killed_does_not_run_and_can_be_started_again() {
    let home = Home::new();
    for _ in 1..=2 {
        let killed = start(&home);
        signal(killed, Signal::SIGKILL);
        eventually("its end", || is_over(killed));
    }
    recipe(&home).run(&["stop"]).assert(1, "", "Not running\n");
    assert_left(&home, &[LOG]);
}

#[test]
fn a_recipe_that_cannot_write_its_log_is_told_and_leaves_nothing() {
    let home = Home::new();
    full_log(&home, LOG);
    let told = recipe(&home).run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, ""));
    assert!(told.stderr.starts_with(DISK_FULL), "{told:?}");
    assert_left(&home, &[LOG]);
}

#[test]
fn whichever_way_the_program_ends_the_pidfile_goes_and_the_end_is_told_once() {
    let after = "after the end";
    let rows = [
        ("returns", vec![after, "Shutting down normally [0]"]),
        ("closes", vec!["Shutting down normally [0]", after]),
        ("exits", vec!["Exiting with non-zero exit code 7 [7]"]),
        ("panics", vec!["Dying due to panic: the sky is falling (tests/fixtures/daemonized.rs) [101]"]),
    ];
    for (end, told) in rows {
        let home = Home::new();
        let daemonized = || home.cast(Path::new(env!("CARGO_BIN_EXE_daemonized")), "");
        daemonized().run(&[end]).assert(0, "", "");
        assert_eq!(home.processes(), [home.pid()]);
        let running = format!("Error: already running with pid {}\n", home.pid());
        daemonized().run(&[end]).assert(1, "", &running);
        home.go();
        home.assert_nothing_left();
        assert_eq!(without_place(&home.read("last-words")), told, "{end}");
    }
}

#[test]
fn a_program_that_is_terminated_ends_without_its_next_line() {
    let home = Home::new();
    home.cast(Path::new(env!("CARGO_BIN_EXE_daemonized")), "").run(&["returns"]).assert(0, "", "");
    signal(home.pid(), Signal::SIGTERM);
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

/// Lines and columns change with every edit.
fn without_place(words: &str) -> Vec<String> {
    let line = |line: &str| match line.split_once(".rs:") {
        Some((before, after)) => {
            format!("{before}.rs{}", after.trim_start_matches(|c: char| c.is_numeric() || c == ':'))
        }
        None => line.to_owned(),
    };
    words.lines().map(line).collect()
}
