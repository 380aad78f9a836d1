//! The builder's actions: values instead of words, and a caller that is afterwards as it was before.

use std::fs;
use std::path::Path;

use crate::home::{Home, Program};

/// The program of `tests/fixtures/builder.rs`; each of its words is an action or a question.
fn builder(home: &Home, role: &str) -> Program {
    home.cast(Path::new(env!("CARGO_BIN_EXE_builder")), role)
}

/// Runs it; nothing but its own lines may come out. What they say after their words, with every pid of a daemon as `N`.
#[track_caller]
fn answers(program: Program, words: &[&str]) -> Vec<String> {
    let told = program.run(words);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let answer = |(line, word): (&str, &&str)| {
        let answer = line.strip_prefix(word).and_then(|rest| rest.strip_prefix(": "));
        without_pid(answer.unwrap_or_else(|| panic!("the answer to {word}: {told:?}")))
    };
    assert_eq!(told.stdout.lines().count(), words.len(), "{told:?}");
    told.stdout.lines().zip(words).map(answer).collect()
}

fn without_pid(answer: &str) -> String {
    let pids = ["ready", "running", "stopped", "killed", "NotReloadable", "WouldNotStop"];
    let mut after_one = false;
    let word = |word: &str| {
        let is_pid = std::mem::replace(&mut after_one, pids.contains(&word));
        let digits = word.trim_end_matches(',');
        if is_pid && digits.parse::<i32>().is_ok() { word.replace(digits, "N") } else { word.to_owned() }
    };
    answer.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_action_returns_its_value_and_prints_nothing() {
    let home = Home::new();
    let words = ["status", "stop", "start", "status", "start", "restart", "run", "stop", "status", "restart", "stop"];
    let told = answers(builder(&home, "ready"), &words);
    let expected = [
        "not running",
        "not running",
        "ready N",
        "running N",
        "already running N",
        "stopped N, ready N",
        "already running N",
        "stopped N",
        "not running",
        "not running, ready N",
        "stopped N",
    ];
    assert_eq!(told, expected);
    home.assert_nothing_left();
}

#[test]
fn a_unit_is_a_value_and_what_does_not_repeat_has_no_tick() {
    let home = Home::new();
    let told = answers(builder(&home, "ready"), &["unit", "run-once"]);
    assert_eq!(told, ["actor.service", "only a repeating daemon can be asked to run once"]);
    home.assert_nothing_left();
}

#[test]
fn the_pid_that_start_returns_is_the_daemons() {
    let home = Home::new();
    let told = builder(&home, "ready").run(&["start", "status", "start"]);
    let pid = home.pid();
    told.assert(0, &format!("start: ready {pid}\nstatus: running {pid}\nstart: already running {pid}\n"), "");
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn the_call_returns_in_the_caller_only() {
    for role in ["ready", "ends", "fails"] {
        let home = Home::new();
        let words = ["start", "stop", "start", "stop"];
        builder(&home, role).set("ACTOR_STDOUT", home.path("log")).run(&words);
        home.assert_nothing_left();
        assert_eq!((home.lines("notes"), home.read("log")), (vec!["returned".to_owned()], String::new()), "{role}");
        assert_eq!(home.lines("last-words").len(), 2, "{role}");
    }
}

#[test]
fn one_process_starts_and_stops_again_and_again_also_after_failures() {
    let home = Home::new();
    let words = ["start", "stop"].repeat(5);
    assert_eq!(answers(builder(&home, "ready"), &words), ["ready N", "stopped N"].repeat(5));
    assert_eq!(answers(builder(&home, "fails"), &["start"; 5]), ["WorkerFailed no such luck 1"; 5]);
    assert_eq!(answers(builder(&home, "ends"), &["start"; 5]), ["ended"; 5]);
    home.assert_nothing_left();
}

#[test]
fn an_error_is_a_variant_with_the_facts() {
    let none: &[(&str, &str)] = &[];
    let missing = &[("WORKDIR", "/nowhere/at/all")][..];
    let late = &[("READY", "notify"), ("START_TIMEOUT", "200ms")][..];
    let rows = [
        ("fails", none, &["start"][..], &["WorkerFailed no such luck 1"][..]),
        ("panics", none, &["start"], &["WorkerPanicked true 101"]),
        ("exits", none, &["start"], &["WorkerExited 42"]),
        ("dies", none, &["start"], &["WorkerKilled 9"]),
        ("ends", &[("READY", "notify")], &["start"], &["NeverReady"]),
        ("never-ready", late, &["start"], &["StartTimeout 200ms"]),
        ("ready", &[("SETTLE", "soon")], &["start", "stop", "status"], &["Setting settle"; 3]),
        ("ready", &[("ON_START", "refuse")], &["start", "run"], &["OnStart the stars are not right"; 2]),
        ("ready", missing, &["start", "run"], &["WorkDir /nowhere/at/all NotFound"; 2]),
        ("ready", none, &["thread", "start", "restart"], &["begun", "Threads 2", "Threads 2"]),
        (
            "ready",
            none,
            &["lock", "start", "unlock", "start", "stop"],
            &["locked", "Threads 2", "unlocked", "ready N", "stopped N"],
        ),
        ("ready", none, &["reload", "start", "reload"], &["NotRunning", "ready N", "NotReloadable N"]),
        ("deaf", &[("STOP_TIMEOUT", "200ms")], &["start", "stop"], &["ready N", "WouldNotStop N 200ms false"]),
    ];
    for (role, settings, words, expected) in rows {
        let home = Home::new();
        let set = |program: Program, (key, value): &(&str, &str)| program.set(&format!("ACTOR_{key}"), value);
        assert_eq!(answers(settings.iter().fold(builder(&home, role), set), words), expected);
    }
}

#[test]
fn what_stands_in_the_pidfiles_place_is_named_in_the_error() {
    let home = Home::new();
    fs::create_dir(home.pidfile()).expect("made");
    let told = answers(builder(&home, "ready"), &["start"]);
    assert_eq!(told, [format!("Foreign {}", home.pidfile().display())]);
    assert_eq!(home.run_names(), ["actor.pid"]);
}

#[test]
fn the_caller_keeps_its_signals_descriptors_limits_and_place() {
    for sigchld in ["sigchld=default", "sigchld=ignored", "sigchld=handled"] {
        for (role, came) in [("ready", "ready N"), ("fails", "WorkerFailed no such luck 1"), ("ends", "ended")] {
            let home = Home::new();
            let words = [sigchld, "remember", "start", "compare", "raise", "stop", "compare"];
            let told = answers(builder(&home, role), &words);
            assert_eq!([&told[2], &told[3], &told[4], &told[6]], [came, "as it was", "heard 1", "as it was"]);
            home.assert_nothing_left();
        }
    }
}

#[test]
fn a_refused_start_leaves_the_caller_as_it_was_too() {
    for (key, value) in
        [("ACTOR_WORKDIR", "/nowhere/at/all"), ("ACTOR_STDOUT", "/dev/null/log"), ("ACTOR_ON_START", "")]
    {
        let home = Home::new();
        let program = builder(&home, "ready").set(key, value);
        let told = answers(program, &["sigchld=handled", "remember", "start", "compare"]);
        assert_eq!(told[3], "as it was", "{told:?}");
        home.assert_nothing_left();
    }
}

#[test]
fn no_child_is_left_for_the_caller_to_wait_for() {
    for role in ["ready", "fails", "ends"] {
        let home = Home::new();
        let told = answers(builder(&home, role), &["start", "children", "stop", "children"]);
        assert_eq!([&told[1], &told[3]], ["Err(ECHILD)"; 2]);
    }
}

#[test]
fn a_child_of_the_callers_own_is_neither_ended_nor_waited_for() {
    for role in ["ready", "fails", "ends"] {
        for child in ["child", "ended-child"] {
            let home = Home::new();
            let told = answers(builder(&home, role), &[child, "start", "stop", "wait"]);
            assert_eq!(told[3], "Ok(ExitStatus(unix_wait_status(0)))", "{role} {child}");
        }
    }
}

#[test]
fn what_the_caller_had_not_yet_written_out_comes_out_once() {
    let home = Home::new();
    let told = builder(&home, "ready").set("ACTOR_STDOUT", home.path("log")).run(&["say=once, ", "start", "stop"]);
    assert!(told.stdout.starts_with("once, say=once, : said\nstart: ready "), "{told:?}");
    home.assert_nothing_left();
    assert_eq!(home.read("log"), "");
}

#[test]
fn run_returns_how_the_worker_ended_and_leaves_nothing_to_a_caller_that_goes_on() {
    for (role, ended, words) in [
        ("ends", "ended 0", "Shutting down normally [0]"),
        ("returns-7", "ended 7", "Exiting with non-zero exit code 7 [7]"),
    ] {
        let home = Home::new();
        assert_eq!(answers(builder(&home, role), &["run", "look", "run", "look"]), [ended, "[]", ended, "[]"]);
        assert_eq!(home.lines("last-words"), [words; 2]);
        home.assert_nothing_left();
    }
}
