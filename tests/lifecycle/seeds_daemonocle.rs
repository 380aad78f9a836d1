//! daemonocle's README, as the examples have it.

use std::fs;

use crate::examples::{assert_running, pid, start, stop};
use crate::home::{Home, Told, eventually};
use crate::seeds::{DISK_FULL, assert_left, at_once, full_log};

const NAME: &str = "daemonocle";
const PIDFILE: &str = "daemonocle_example.pid";
const LOG: &str = "daemonocle_example.log";

/// The lines of the log without their dates, which are dates.
#[track_caller]
fn undated(log: &str) -> Vec<String> {
    let undated = |line: &str| {
        let (date, rest) = line.split_once(' ').unwrap_or_else(|| panic!("a date: {line:?}"));
        assert!(date.len() == 24 && humantime::parse_rfc3339(date).is_ok(), "{line:?}");
        rest.to_owned()
    };
    log.lines().map(undated).collect()
}

/// The log of a whole life, however long that was.
#[track_caller]
fn assert_a_life(lines: &[String]) {
    let [first, still @ .., stopping, reason] = lines else { panic!("{lines:?}") };
    assert_eq!(first, "[INFO] daemon is starting");
    assert!(!still.is_empty() && still.iter().all(|line| line == "[DEBUG] still running!"), "{lines:?}");
    assert_eq!([stopping, reason], ["[INFO] daemon is stopping", "[DEBUG] Terminated by SIGTERM (15)"]);
}

#[test]
fn daemonocle_starts_tells_its_status_stops_and_has_its_log() {
    let home = Home::new();
    let pid = start(&home, home.example(NAME), NAME, PIDFILE);
    let told = home.example(NAME).run(&["status"]);
    assert_running(&told, NAME, pid);
    let fields: Vec<_> = told.stdout.trim_end().rsplit(", ").take(3).collect();
    assert!(fields[2].starts_with("uptime: ") && fields[2].ends_with('m'), "{told:?}");
    assert!(fields[1].starts_with("%cpu: ") && fields[0].starts_with("%mem: "), "{told:?}");
    home.example(NAME).run(&["start"]).assert(
        0,
        "",
        &format!("warning: daemonocle is already running with pid {pid}\n"),
    );
    stop(&home, home.example(NAME), NAME, PIDFILE);
    assert_a_life(&undated(&home.read(LOG)));
    assert_left(&home, &[LOG]);
}

#[test]
fn daemonocle_has_an_action_of_its_own_with_its_help() {
    let home = Home::new();
    home.example(NAME).run(&["log"]).assert(1, "", "error: No such file or directory (os error 2)\n");
    let help = home.example(NAME).run(&["--help"]);
    let is_told = help.stdout.lines().any(|line| line.split_whitespace().eq(["log", "Show", "the", "log"]));
    assert!(help.code == 0 && is_told, "{help:?}");
    start(&home, home.example(NAME), NAME, PIDFILE);
    stop(&home, home.example(NAME), NAME, PIDFILE);
    home.example(NAME).run(&["log"]).assert(0, &home.read(LOG), "");
}

#[test]
fn a_restart_of_daemonocle_ends_the_one_that_runs_and_starts_it_also_where_none_does() {
    let home = Home::new();
    let restart = |stdout: &str, stderr: &str| {
        let told = home.example(NAME).run(&["restart"]);
        let pid = pid(&home, PIDFILE).unwrap_or_else(|| panic!("no pidfile: {told:?}"));
        told.assert(0, &format!("{stdout}Starting daemonocle ... OK (pid {pid})\n"), stderr);
        pid
    };
    let first = restart("", "warning: daemonocle is not running\n");
    let second = restart("Stopping daemonocle ... OK\n", "");
    assert!(first != second && home.processes() == [second]);
    let log = undated(&home.read(LOG));
    let end = log.iter().position(|line| line.ends_with("SIGTERM (15)")).expect("the first one's end");
    assert_a_life(&log[..=end]);
    assert_eq!(log[end + 1], "[INFO] daemon is starting");
}

#[test]
fn a_daemonocle_that_dies_at_once_is_known_to_have_died() {
    let home = Home::new();
    full_log(&home, LOG);
    let told = home.example(NAME).run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, "Starting daemonocle ... FAILED\n"));
    assert!(told.stderr.starts_with(DISK_FULL), "{told:?}");
    assert_left(&home, &[LOG]);
}

#[test]
fn of_two_starts_of_daemonocle_one_works_and_one_says_that_it_runs() {
    let home = Home::new();
    let (one, other) = at_once(|| home.example(NAME), &["start"], |told| !told.stdout.is_empty());
    let pid = pid(&home, PIDFILE).expect("a pidfile");
    one.assert(0, &format!("Starting daemonocle ... OK (pid {pid})\n"), "");
    other.assert(0, "", &format!("warning: daemonocle is already running with pid {pid}\n"));
    assert_eq!(home.processes(), [pid]);
    assert_eq!(undated(&home.read(LOG))[..2], ["[INFO] daemon is starting", "[DEBUG] still running!"]);
}

const RELOAD: &str = "daemonocle_reload";
const CONFIGURATION: &str = "daemonocle_example.conf";

/// In one step, as the watcher may look at any time.
fn configure(home: &Home, text: &str) {
    fs::write(home.path("new.conf"), text).expect("written");
    fs::rename(home.path("new.conf"), home.path(CONFIGURATION)).expect("renamed");
}

#[test]
fn a_changed_configuration_is_read_by_the_same_daemon_begun_anew() {
    let home = Home::new();
    configure(&home, "one\n");
    let pid = start(&home, home.example(RELOAD), RELOAD, PIDFILE);
    let mut expected = vec![format!("{pid}: one")];
    for text in ["two", "three"] {
        configure(&home, text);
        expected.push(format!("{pid}: {text}"));
        eventually("the reload", || home.lines(LOG).len() >= expected.len());
        assert_eq!(home.lines(LOG), expected);
        assert_running(&home.example(RELOAD).run(&["status"]), RELOAD, pid);
        assert_eq!(home.processes(), [pid]);
        home.example(RELOAD).run(&["start"]).assert(0, "", &already(pid));
    }
    stop(&home, home.example(RELOAD), RELOAD, PIDFILE);
    assert_left(&home, &[CONFIGURATION, LOG]);
    assert_eq!(home.lines(LOG), expected);
}

#[test]
fn a_daemon_begun_by_a_restart_reads_its_changed_configuration_too() {
    let home = Home::new();
    configure(&home, "one");
    let told = home.example(RELOAD).run(&["restart"]);
    let pid = pid(&home, PIDFILE).unwrap_or_else(|| panic!("no pidfile: {told:?}"));
    configure(&home, "two");
    eventually("the reload", || home.lines(LOG).len() > 1);
    assert_eq!(home.lines(LOG), [format!("{pid}: one"), format!("{pid}: two")]);
    assert_eq!(home.processes(), [pid]);
    stop(&home, home.example(RELOAD), RELOAD, PIDFILE);
}

fn already(pid: i32) -> String {
    format!("warning: daemonocle_reload is already running with pid {pid}\n")
}

#[test]
fn a_daemon_without_its_configuration_does_not_start() {
    let home = Home::new();
    let why = "error: the configuration file ~/daemonocle_example.conf: No such file or directory (os error 2)\n";
    let told: Told = home.example(RELOAD).run(&["start"]);
    told.assert(1, "Starting daemonocle_reload ... FAILED\n", why);
    assert_left(&home, &[LOG]);
}
