//! `logs -f`: what the daemon goes on to write, each line once, over rotations, ends and starts, until nobody wants to know.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;

use crate::follower::Follower;
use crate::home::{Home, Told, eventually, is_root};
use crate::logs::scribe;
use crate::relay::start;

fn follow(home: &Home) -> Follower {
    Follower::begin(scribe(home, ""), &["-n", "all"])
}

/// The follower stays.
#[track_caller]
fn stop(home: &Home) {
    scribe(home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
}

fn append(home: &Home, name: &str, text: &str) {
    let file = File::options().append(true).create(true).open(home.path(name));
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
}

fn rename(home: &Home, from: &str, to: &str) {
    fs::rename(home.path(from), home.path(to)).expect("it is there");
}

/// The numbers of the lines of ticks.
#[track_caller]
fn ticks(text: &str) -> Vec<usize> {
    let number = |line: &str| line.strip_prefix("line of tick ").and_then(|number| number.parse().ok());
    text.lines().map(|line| number(line).unwrap_or_else(|| panic!("torn: {line:?}"))).collect()
}

#[test]
fn over_rotations_of_a_busy_log_every_line_is_shown_once_and_in_order() {
    for output in ["direct", "relayed"] {
        let home = Home::new();
        let program = |steps: &str| scribe(&home, steps).set("ACTOR_OUTPUT", output);
        start(&home, program("ready,numbers"));
        let follower = follow(&home);
        for rotation in 0..5 {
            let before = follower.shown().len();
            eventually("some lines", || follower.shown().len() > before + 100_000);
            rename(&home, "log", &format!("log.{rotation}"));
            program("").run(&["reload"]).assert(0, "Reloading actor ... OK\n", "");
            eventually("a new log", || home.path("log").metadata().is_ok_and(|log| log.len() > 0));
        }
        stop(&home);
        let notes = home.lines("notes");
        let count: usize = notes.iter().find_map(|line| line.strip_suffix(" lines")?.parse().ok()).expect("counted");
        let last = format!("line {}\n", count - 1);
        eventually("the last line", || follower.shown().ends_with(&last));
        let shown = follower.shown();
        assert!(shown.lines().eq((0..count).map(|number| format!("line {number}"))), "{output}");
        follower.ends_silently();
    }
}

#[test]
fn over_a_log_that_is_copied_and_emptied_every_line_is_shown_once() {
    let home = Home::new();
    let program = || scribe(&home, "").set("ACTOR_EVERY", "1ms");
    start(&home, program());
    let follower = follow(&home);
    for copy in 0..4 {
        let before = ticks(&follower.shown()).len();
        eventually("some lines", || follower.shown().lines().count() > before + 20);
        // What is written between the copy and the emptying is lost to everybody.
        assert_eq!(program().run(&["pause"]).code, 0);
        eventually("all of it", || follower.shown().ends_with(&home.read("log")));
        fs::copy(home.path("log"), home.path(&format!("log.{copy}"))).expect("copied");
        File::options().write(true).open(home.path("log")).and_then(|log| log.set_len(0)).expect("emptied");
        assert_eq!(program().run(&["resume"]).code, 0);
    }
    stop(&home);
    let all: String = (0..4).map(|copy| home.read(&format!("log.{copy}"))).collect::<String>() + &home.read("log");
    eventually("the last line", || follower.shown().len() >= all.len());
    // Ticks that came due late are left out.
    assert!(ticks(&follower.shown()).is_sorted_by(|one, next| one < next), "{}", follower.shown());
    follower.shows(&all);
    follower.ends_silently();
}

#[test]
fn since_a_time_that_is_still_to_come_nothing_older_is_shown() {
    let home = Home::new();
    append(&home, "log", "old\n");
    let at = SystemTime::now() + Duration::from_secs(2);
    let since = humantime::format_rfc3339_millis(at).to_string();
    let follower = Follower::begin(scribe(&home, ""), &["--since", &since]);
    append(&home, "log", "still old\n");
    append(&home, "log", "2020-01-01T00:00:00Z old too\n");
    eventually("the time to come", || {
        append(&home, "log", "2999-01-01T00:00:00Z young\n");
        !follower.shown().is_empty()
    });
    assert!(SystemTime::now() >= at, "{}", follower.shown());
    assert!(follower.shown().lines().all(|line| line.ends_with("Z young")), "{}", follower.shown());
    append(&home, "log", "2020-01-01T00:00:00Z older\n2999-01-01T00:00:00Z last\n");
    eventually("the last line", || follower.shown().ends_with("last\n"));
    assert!(!follower.shown().contains("old"), "{}", follower.shown());
    follower.ends_silently();
}

#[test]
fn a_log_that_was_emptied_and_has_outgrown_its_old_length_is_shown_from_its_beginning() {
    let home = Home::new();
    fs::write(home.path("log"), "one\ntwo\n").expect("written");
    let follower = follow(&home);
    follower.shows("one\ntwo\n");
    follower.signal(Signal::SIGSTOP);
    fs::write(home.path("log"), "three\nfour\nfive\n").expect("written");
    follower.signal(Signal::SIGCONT);
    follower.shows("one\ntwo\nthree\nfour\nfive\n");
    follower.ends_silently();
}

#[test]
fn what_is_still_written_to_the_log_that_was_moved_away_is_shown_and_before_what_is_in_the_new_one() {
    let home = Home::new();
    append(&home, "log", "one\n");
    let follower = follow(&home);
    follower.shows("one\n");
    rename(&home, "log", "log.1");
    append(&home, "log.1", "two\n");
    follower.shows("one\ntwo\n");
    follower.signal(Signal::SIGSTOP);
    append(&home, "log.1", "three\n");
    append(&home, "log", "four\n");
    append(&home, "log.1", "three again\n");
    follower.signal(Signal::SIGCONT);
    follower.shows("one\ntwo\nthree\nthree again\nfour\n");
    // A child of the worker's keeps the old one.
    append(&home, "log.1", "five\n");
    follower.shows("one\ntwo\nthree\nthree again\nfour\nfive\n");
    // It is moved back, and nothing of it is shown again.
    rename(&home, "log.1", "log");
    append(&home, "log", "six\n");
    follower.shows("one\ntwo\nthree\nthree again\nfour\nfive\nsix\n");
    follower.ends_silently();
}

#[test]
fn a_log_that_is_not_there_yet_is_waited_for_and_one_that_is_removed_too() {
    let home = Home::new();
    let program = |steps: &str| scribe(&home, steps).set("ACTOR_STDOUT", home.path("made/by it/log"));
    let follower = Follower::begin(program(""), &[]);
    follower.says(&format!("warning: {} is not there yet, and is waited for\n", home.path("made/by it/log").display()));
    start(&home, program("out:first,ready,sleep"));
    follower.shows("first\n");
    fs::remove_dir_all(home.path("made")).expect("removed");
    program("").run(&["reload"]).assert(0, "Reloading actor ... OK\n", "");
    eventually("a new log", || home.path("made/by it/log").exists());
    append(&home, "made/by it/log", "second\n");
    follower.shows("first\nsecond\n");
    follower.ends_silently();
}

#[test]
fn following_goes_on_when_the_daemon_has_ended_and_is_started_again() {
    let home = Home::new();
    start(&home, scribe(&home, "out:first,ready,sleep"));
    let follower = Follower::begin(scribe(&home, ""), &["-n", "0"]);
    stop(&home);
    // Nothing says that it follows already, until it has shown something.
    eventually("something to be shown", || {
        append(&home, "log", "between\n");
        !follower.shown().is_empty()
    });
    start(&home, scribe(&home, "out:second,ready,sleep"));
    eventually("the next daemon's line", || follower.shown().ends_with("between\nsecond\n"));
    assert!(!follower.shown().contains("first"), "{}", follower.shown());
    follower.ends_silently();
}

#[test]
fn of_two_logs_each_has_its_title_whenever_the_other_was_shown_last() {
    let home = Home::new();
    append(&home, "log", "one\n");
    append(&home, "errors", "oops\n");
    let program = scribe(&home, "").set("ACTOR_STDERR", home.path("errors"));
    let follower = Follower::begin(program, &[]);
    let title = |name: &str| format!("==> {} <==\n", home.path(name).display());
    let mut all = format!("{}one\n\n{}oops\n", title("log"), title("errors"));
    follower.shows(&all);
    append(&home, "errors", "again\n");
    all += "again\n";
    follower.shows(&all);
    append(&home, "log", "two\n");
    all += &format!("\n{}two\n", title("log"));
    follower.shows(&all);
    follower.ends_silently();
}

#[test]
fn when_nobody_reads_any_more_it_ends_at_once_and_without_a_word() {
    let home = Home::new();
    append(&home, "log", "one\n");
    let mut child = scribe(&home, "").spawn(&["logs", "-f"]);
    let mut line = [0; 4];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut line).expect("read");
    // Though nothing more is written.
    drop(child.stdout.take());
    Told::of(child).assert(0, "", "");
}

#[test]
fn a_link_that_is_turned_to_another_file_is_followed() {
    let home = Home::new();
    fs::create_dir(home.path("elsewhere")).expect("made");
    append(&home, "elsewhere/1", "one\n");
    append(&home, "elsewhere/2", "two\n");
    std::os::unix::fs::symlink("elsewhere/1", home.path("log")).expect("a link");
    let follower = follow(&home);
    follower.shows("one\n");
    std::os::unix::fs::symlink("elsewhere/2", home.path("next")).expect("a link");
    rename(&home, "next", "log");
    follower.shows("one\ntwo\n");
    rename(&home, "elsewhere/2", "elsewhere/3");
    append(&home, "elsewhere/2", "three\n");
    follower.shows("one\ntwo\nthree\n");
    follower.ends_silently();
}

#[test]
fn a_log_that_may_not_be_read_after_a_rotation_is_told_of_once_and_shown_when_it_may() {
    if !is_root("a_log_that_may_not_be_read_after_a_rotation_is_told_of_once_and_shown_when_it_may") {
        return;
    }
    let home = Home::new();
    append(&home, "log", "one\n");
    let mode = |mode| fs::set_permissions(home.path("log"), Permissions::from_mode(mode)).expect("ours");
    mode(0o644);
    let follower = Follower::begin(home.as_nobody(scribe(&home, "")), &[]);
    follower.shows("one\n");
    rename(&home, "log", "log.1");
    // Never to be read by nobody, not even for a moment.
    File::options().create_new(true).append(true).mode(0o600).open(home.path("log")).expect("ours");
    append(&home, "log", "two\n");
    eventually("it to be told", || follower.said().ends_with('\n'));
    let told = follower.said();
    assert!(told.contains("Permission denied") && told.contains("mode 0600"), "{told}");
    for _ in 0..3 {
        append(&home, "log.1", "old\n");
    }
    mode(0o644);
    follower.shows("one\nold\nold\nold\ntwo\n");
    follower.ends_silently();
}

#[test]
fn without_inotify_every_line_is_shown_once_too() {
    let home = Home::new();
    // In a user namespace of its own, which is given none of it.
    let script = "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$0\" logs -f";
    let namespace = ["--user", "--map-root-user", "sh", "-c", script];
    let asked = ["--user", "--map-root-user", "sh", "-c", "echo 0 >/proc/sys/user/max_inotify_instances"];
    let may = Command::new("unshare").args(asked).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        let _ =
            writeln!(std::io::stderr(), "skipped: without_inotify_every_line_is_shown_once_too needs user namespaces");
        return;
    }
    append(&home, "log", "one\n");
    let mut program = home.cast(Path::new("unshare"), "").set("ACTOR_STDOUT", home.path("log"));
    program.0.args(namespace).arg(env!("CARGO_BIN_EXE_scribe"));
    let mut child = program.0.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut shows = |text: &str| {
        let mut shown = vec![0; text.len()];
        child.stdout.as_mut().expect("a pipe").read_exact(&mut shown).expect("read");
        assert_eq!(String::from_utf8_lossy(&shown), text);
    };
    shows("one\n");
    append(&home, "log", "two\n");
    shows("two\n");
    rename(&home, "log", "log.1");
    append(&home, "log.1", "three\n");
    append(&home, "log", "four\n");
    shows("three\nfour\n");
    File::options().write(true).open(home.path("log")).and_then(|log| log.set_len(0)).expect("emptied");
    append(&home, "log", "5\n");
    shows("5\n");
    drop(child.stdout.take());
    Told::of(child).assert(0, "", "");
}
