//! Async workers: the runtime is the daemon's own, and all that is promised of a worker holds.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, catches, eventually, is_over};

const FAILED: &str = "Starting actor ... FAILED\n";

/// A function of `tests/fixtures/asynchronous.rs`.
fn worker(home: &Home, function: &str) -> Program {
    home.cast(Path::new(env!("CARGO_BIN_EXE_asynchronous")), function)
}

fn start(home: &Home, function: &str) -> i32 {
    let told = worker(home, function).run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.read("run/actor.pid").trim_end()), "");
    home.pid()
}

fn send(pid: i32, signal: Signal) {
    eventually("a handler", || catches(pid, signal));
    kill(Pid::from_raw(pid), signal).expect("it is there");
}

#[test]
fn a_worker_uses_the_runtime_and_awaits_the_shutdown() {
    let home = Home::new();
    start(&home, "waits");
    assert_eq!(home.lines("notes"), ["connected true true"]);
    worker(&home, "waits").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("notes"), ["connected true true", "asked"]);
}

#[test]
fn a_worker_in_the_foreground_awaits_it_too() {
    let home = Home::new();
    let child = worker(&home, "waits").spawn(&["run"]);
    let pid = i32::try_from(child.id()).expect("a pid");
    eventually("its being up", || home.lines("notes") == ["connected true true"]);
    send(pid, Signal::SIGINT);
    assert_eq!(Told::of(child).code, 0);
    home.assert_nothing_left();
    assert_eq!(home.lines("notes").last().map(String::as_str), Some("asked"));
}

#[test]
fn signals_are_heard_by_tokio_and_by_the_daemon() {
    let home = Home::new();
    let pid = start(&home, "hears_signals");
    for round in 1..=3 {
        worker(&home, "hears_signals").run(&["reload"]).assert(0, "Reloading actor ... OK\n", "");
        eventually("the hang-up", || home.lines("notes").len() == round);
    }
    send(pid, Signal::SIGTERM);
    home.assert_nothing_left();
    assert_eq!(home.lines("notes"), ["hang-up", "hang-up", "hang-up", "terminate"]);
}

#[test]
fn an_error_and_a_panic_are_told_by_the_start() {
    let home = Home::new();
    worker(&home, "fails").run(&["start"]).assert(1, FAILED, "error: no such luck\n");
    let told = worker(&home, "panics").run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, FAILED));
    let panic = "error: the worker panicked: the sky is falling (tests/fixtures/asynchronous.rs:";
    assert!(told.stderr.starts_with(panic), "{told:?}");
    home.assert_nothing_left();
    worker(&home, "fails").run(&["run"]).assert(1, "", "error: no such luck\n");
}

#[test]
fn one_without_a_context_is_not_waited_for() {
    let home = Home::new();
    let pid = start(&home, "for_ever");
    worker(&home, "for_ever").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    assert!(is_over(pid));
    home.assert_nothing_left();
}

#[test]
fn what_a_tick_has_spawned_goes_on_between_the_ticks() {
    let home = Home::new();
    start(&home, "ticks");
    let rounds = || home.lines("notes").iter().filter_map(|line| line.parse::<u32>().ok()).collect::<Vec<_>>();
    eventually("many rounds of the task of the first tick", || rounds().last().is_some_and(|last| *last > 20));
    assert!(rounds().is_sorted(), "{:?}", rounds());
    worker(&home, "ticks").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn a_tick_that_fails_ends_the_daemon_if_so_asked() {
    let home = Home::new();
    let told = worker(&home, "ticks").set("ACTOR_LAST", "").run(&["start"]);
    told.assert(1, FAILED, "error: tick 0 failed: no such luck\n");
    home.assert_nothing_left();
}

#[test]
fn a_start_again_and_again_builds_a_runtime_for_each_daemon() {
    let home = Home::new();
    for _ in 0..3 {
        start(&home, "waits");
        assert_eq!(worker(&home, "waits").run(&["restart"]).code, 0);
        assert_eq!(worker(&home, "waits").run(&["stop"]).code, 0);
    }
    home.assert_nothing_left();
    assert_eq!(home.lines("notes"), ["connected true true", "asked"].repeat(6));
}
