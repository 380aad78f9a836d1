//! `detach`: the caller becomes the daemon and goes on, and its launcher ends with the truth.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, catches, eventually, is_over};

/// What the fixture ends with where `detach` or `launch` came back with an error.
const REFUSED: i32 = 9;

/// The program of `tests/fixtures/becoming.rs`, with what it does as the daemon.
pub fn becoming(home: &Home, steps: &str) -> Program {
    home.cast(Path::new(env!("CARGO_BIN_EXE_becoming")), steps).set("ACTOR_DETACH", "true")
}

fn detach(home: &Home, steps: &str) -> i32 {
    becoming(home, steps).run(&["detach"]).assert(0, "", "");
    home.pid()
}

fn send(pid: i32, signal: Signal) {
    eventually("a handler", || catches(pid, signal));
    kill(Pid::from_raw(pid), signal).expect("it is there");
}

#[test]
fn the_caller_goes_on_as_the_daemon_and_the_launcher_ends_silently_once_it_is_ready() {
    let home = Home::new();
    let becoming = becoming(&home, "notes-itself,say:words\n,flush,ready,note:ready,sleep");
    becoming.set("ACTOR_STDOUT", home.path("log")).run(&["detach"]).assert(0, "", "");
    let pid = home.pid();
    eventually("its notes", || home.lines("notes").len() == 2);
    assert_eq!(home.lines("notes"), [format!("Some(({pid}, \"actor\")) in {pid}"), "ready".to_owned()]);
    assert_eq!(home.read("log"), "words\n");
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn one_that_never_says_ready_counts_as_ready_once_it_has_settled() {
    let home = Home::new();
    let settled = becoming(&home, "linger:200,note:lived,sleep").set("ACTOR_SETTLE", "100ms");
    settled.run(&["detach"]).assert(0, "", "");
    eventually("its life after that", || home.lines("notes") == ["lived"]);
    let home = Home::new();
    let told =
        becoming(&home, "sleep").set("ACTOR_READY", "notify").set("ACTOR_START_TIMEOUT", "200ms").run(&["detach"]);
    let late =
        "error: the daemon was not ready within 200ms, and was ended; `--timeout` or `start_timeout` gives it longer\n";
    told.assert(1, "", late);
    home.assert_nothing_left();
}

#[test]
fn the_launcher_tells_every_failure_before_ready_with_its_exit_code() {
    let written = "what it wrote to stderr:\n";
    let panic = "thread 'main' (N) panicked at tests/fixtures/becoming.rs:L:C:\n  the sky is falling\n";
    let rows = [
        ("exits:7", 7, "error: the worker ended with exit code 7 before it was ready\n".to_owned()),
        ("returns:8", 8, "error: the worker ended with exit code 8 before it was ready\n".to_owned()),
        ("dies:SIGKILL", 137, "error: SIGKILL (9) ended the daemon before it was ready\n".to_owned()),
        ("dies:SIGUSR1", 138, "error: SIGUSR1 (10) ended the daemon before it was ready\n".to_owned()),
        (
            "complain:words\n,fails",
            1,
            format!(
                "error: the worker ended with exit code 1 before it was ready\n{written}  words\n  Error: \"no such luck\"\n"
            ),
        ),
        (
            "panics",
            101,
            format!(
                "error: the worker panicked: the sky is falling (tests/fixtures/becoming.rs:L:C)\n{written}  {panic}"
            ),
        ),
    ];
    for (steps, code, stderr) in rows {
        let home = Home::new();
        let told = becoming(&home, steps).set("ACTOR_SETTLE", "1h").run(&["detach"]);
        assert_eq!((told.code, told.stdout.as_str()), (code, ""), "{steps}: {told:?}");
        let (seen, known) = (without_numbers(&told.stderr), without_numbers(&stderr));
        assert!(seen.starts_with(&known), "{steps}: {seen}\n\nand not\n\n{known}");
        home.assert_nothing_left();
    }
}

/// A place in a file and a thread's number change with every edit and every run.
fn without_numbers(text: &str) -> String {
    let mut digits = text.replace(['N', 'L', 'C'], "0");
    for pair in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        digits = digits.replace(pair, "0");
    }
    while digits.contains("00") {
        digits = digits.replace("00", "0");
    }
    digits
}

#[test]
fn one_that_ends_well_before_it_is_ready_is_no_failure_unless_it_was_to_notify() {
    for steps in ["returns:0", "exits:0", "close"] {
        let home = Home::new();
        becoming(&home, steps).set("ACTOR_SETTLE", "1h").run(&["detach"]).assert(0, "", "");
        home.assert_nothing_left();
        let told = becoming(&home, steps).set("ACTOR_READY", "notify").run(&["detach"]);
        told.assert(1, "", "error: the worker ended without ever calling `ready()`\n");
        home.assert_nothing_left();
        assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"; 2], "{steps}");
    }
}

#[test]
fn an_early_refusal_is_an_error_in_the_caller_and_leaves_nothing() {
    let home = Home::new();
    let told = becoming(&home, "sleep").set("ACTOR_WORKDIR", "/nowhere/at/all").run(&["detach"]);
    let refusal = "refused: cannot enter the working directory /nowhere/at/all: No such file or directory: None\n";
    told.assert(REFUSED, refusal, "");
    let told = becoming(&home, "sleep").set("ACTOR_THREADS", "").run(&["detach"]);
    assert!(told.code == REFUSED && told.stdout.starts_with("refused: this process has 2 threads, "), "{told:?}");
    home.assert_nothing_left();
    let pid = detach(&home, "ready,sleep");
    becoming(&home, "").run(&["detach"]).assert(
        REFUSED,
        &format!("refused: already running with pid {pid}: None\n"),
        "",
    );
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn the_actions_of_another_process_find_it_and_start_and_run_say_that_there_is_no_worker() {
    let home = Home::new();
    let pid = detach(&home, "ready,sleep");
    let other = |word: &str| becoming(&home, "").run(&[word]);
    assert!(other("status").stdout.starts_with(&format!("actor -- pid: {pid}, status: running, ")));
    other("stop").assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    other("stop").assert(0, "", "warning: actor is not running\n");
    let none = "error: this daemon has no worker to run; `detach()` or `launch()` makes it\n";
    other("start").assert(1, "Starting actor ... FAILED\n", none);
    other("run").assert(1, "", none);
    home.assert_nothing_left();
}

#[test]
fn closing_it_calls_the_hook_and_removes_the_pidfile_while_the_process_goes_on() {
    for step in ["close", "drop"] {
        let home = Home::new();
        let steps = format!("ready,await,{step},note:closed,await:END,exits:3");
        becoming(&home, &steps).set("ACTOR_END", home.path("end")).run(&["detach"]).assert(0, "", "");
        home.go();
        eventually("the end of the daemon", || home.lines("notes") == ["closed"]);
        assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"]);
        assert_eq!(home.run_names(), Vec::<String>::new());
        assert_eq!(home.processes().len(), 1);
        assert_eq!(becoming(&home, "").run(&["status"]).code, 3);
        fs::write(home.path("end"), "").expect("written");
        home.assert_nothing_left();
        assert_eq!(home.lines("last-words").len(), 1);
    }
}

#[test]
fn closed_as_soon_as_it_is_ready_it_has_started_and_the_process_goes_on() {
    // Again and again, because the launcher's agreement and the closing hurry.
    for _ in 0..20 {
        let home = Home::new();
        becoming(&home, "ready,close,note:closed,sleep").run(&["detach"]).assert(0, "", "");
        eventually("its going on", || home.lines("notes") == ["closed"]);
        assert_eq!((home.processes().len(), home.run_names()), (1, Vec::new()));
    }
}

#[test]
fn every_end_calls_the_hook_once_with_its_reason() {
    let rows = [
        ("returns:0", "Shutting down normally [0]"),
        ("exits:0", "Shutting down normally [0]"),
        ("exits:7", "Exiting with non-zero exit code 7 [7]"),
        ("panics", "Dying due to panic: the sky is falling (tests/fixtures/becoming.rs:"),
    ];
    for (end, reason) in rows {
        let home = Home::new();
        let pid = detach(&home, &format!("ready,await,{end}"));
        assert!(home.run_names().contains(&"actor.pid".to_owned()));
        home.go();
        eventually("its end", || is_over(pid));
        home.assert_nothing_left();
        let words = home.lines("last-words");
        assert!(words.len() == 1 && words[0].starts_with(reason), "{end}: {words:?}");
    }
}

#[test]
fn a_panic_after_ready_is_told_with_code_101() {
    let home = Home::new();
    let told = becoming(&home, "ready,panics").set("ACTOR_DETACH", "false").run(&["detach"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, ""), "{told:?}");
    assert_eq!(told.stderr.matches("the sky is falling").count(), 1, "{told:?}");
    assert!(home.read("last-words").ends_with(") [101]\n"), "{}", home.read("last-words"));
    home.assert_nothing_left();
}

#[test]
fn a_signal_ends_at_once_who_has_not_taken_the_context() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let home = Home::new();
        let pid = detach(&home, "ready,sleep");
        send(pid, signal);
        home.assert_nothing_left();
        assert_eq!(home.lines("last-words"), [format!("Terminated by {signal} ({}) [0]", signal as i32)]);
    }
}

#[test]
fn a_signal_waits_for_who_has_taken_the_context_and_a_second_one_does_not() {
    let home = Home::new();
    let pid = detach(&home, "context,ready,wait,note:asked,await");
    send(pid, Signal::SIGTERM);
    eventually("the program to hear of it", || home.lines("notes") == ["asked"]);
    assert_eq!(home.read("last-words"), "");
    home.go();
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);

    let home = Home::new();
    let pid = detach(&home, "context,ready,wait,note:asked,await");
    send(pid, Signal::SIGTERM);
    eventually("the program to hear of it", || home.lines("notes") == ["asked"]);
    send(pid, Signal::SIGINT);
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGINT (2) [130]"]);
}

#[test]
fn without_detaching_it_is_this_very_process_and_the_streams_stay() {
    let home = Home::new();
    let steps = "notes-itself,say:words\n,complain:complaints\n,flush,ready,context,wait";
    let child = becoming(&home, steps).set("ACTOR_DETACH", "false").spawn(&["detach"]);
    let pid = i32::try_from(child.id()).expect("a pid");
    eventually("its pidfile", || home.pidfile().exists());
    assert_eq!(home.pid(), pid);
    assert!(
        becoming(&home, "").run(&["status"]).stdout.starts_with(&format!("actor -- pid: {pid}, status: running, "))
    );
    becoming(&home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    Told::of(child).assert(0, "words\n", "complaints\n");
    home.assert_nothing_left();
    let child = becoming(&home, "ready,sleep").set("ACTOR_DETACH", "false").spawn(&["detach"]);
    send(i32::try_from(child.id()).expect("a pid"), Signal::SIGTERM);
    Told::of(child).assert(0, "", "");
    home.assert_nothing_left();
}
