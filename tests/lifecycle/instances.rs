//! Several daemons of one kind: one command acts on all of them at the same time, or on one.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, eventually, is_over};

/// The program of `tests/fixtures/crew.rs`, with a pidfile and a log for each.
fn crew(home: &Home, size: u32, role: &str) -> Program {
    let program = home.cast(Path::new(env!("CARGO_BIN_EXE_crew")), role).set("ACTOR_CREW", size.to_string());
    let program = program.set("ACTOR_PIDFILE", home.path("run/actor-{n}.pid")).set("ACTOR_UP", home.path("up"));
    program.set("ACTOR_STDOUT", home.path("log-{n}"))
}

fn pid(home: &Home, number: u32) -> i32 {
    let text = home.read(&format!("run/actor-{number}.pid"));
    text.trim_end().parse().unwrap_or_else(|_| panic!("a pid of {number}: {text:?}"))
}

fn pids(home: &Home, size: u32) -> Vec<i32> {
    (0..size).map(|number| pid(home, number)).collect()
}

/// Lines that come from several processes at the same time.
fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

fn each(size: u32, line: impl Fn(u32) -> String) -> BTreeSet<String> {
    (0..size).map(line).collect()
}

fn start(home: &Home, size: u32, role: &str) -> Vec<i32> {
    let told = crew(home, size, role).run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    let pids = pids(home, size);
    let started = |n: u32| format!("Starting actor-{n} ... OK (pid {})", pids[n as usize]);
    assert_eq!((lines(&told.stdout), told.stdout.lines().count()), (each(size, started), pids.len()));
    pids
}

#[test]
fn all_are_started_at_the_same_time_each_with_its_name_and_paths() {
    let home = Home::new();
    // Each is ready when all have come up: one after the other they never would be.
    let pids = start(&home, 4, "meets");
    let mut processes = home.processes();
    processes.sort_unstable();
    let mut sorted = pids.clone();
    sorted.sort_unstable();
    assert_eq!(processes, sorted);
    let names: Vec<_> = (0..4).flat_map(|n| [format!("actor-{n}.pid"), format!("actor-{n}.pid.claim")]).collect();
    assert_eq!(home.run_names(), names);
}

#[test]
fn a_name_may_have_a_place_for_the_number_and_the_worker_knows_it() {
    let home = Home::new();
    let told = crew(&home, 2, "shows-its-parts").set("ACTOR_NAME", "x{n}y").run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert_eq!(lines(&told.stdout), each(2, |n| format!("Starting x{n}y ... OK (pid {})", pid(&home, n))));
    for number in 0..2 {
        assert_eq!(home.read(&format!("log-{number}")), format!("x{number}y {number} {}\n", pid(&home, number)));
    }
}

#[test]
fn a_second_start_names_all_that_run_and_starts_those_that_do_not() {
    let home = Home::new();
    let pids = start(&home, 3, "");
    let warning = |n: u32| format!("warning: actor-{n} is already running with pid {}", pids[n as usize]);
    let told = crew(&home, 3, "").run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str(), lines(&told.stderr)), (0, "", each(3, warning)));
    crew(&home, 3, "").run(&["stop", "--instance", "1"]).assert(0, "Stopping actor-1 ... OK\n", "");
    let told = crew(&home, 3, "").run(&["start"]);
    assert_eq!(told.stdout, format!("Starting actor-1 ... OK (pid {})\n", pid(&home, 1)));
    assert_eq!(lines(&told.stderr), BTreeSet::from([warning(0), warning(2)]));
}

#[test]
fn all_are_stopped_and_restarted_by_one_command() {
    let home = Home::new();
    let first = start(&home, 3, "");
    let told = crew(&home, 3, "").run(&["restart"]);
    let second = pids(&home, 3);
    let mut expected = each(3, |n| format!("Stopping actor-{n} ... OK"));
    expected.extend(each(3, |n| format!("Starting actor-{n} ... OK (pid {})", second[n as usize])));
    assert_eq!((told.code, lines(&told.stdout), told.stderr.as_str()), (0, expected, ""));
    assert!(first.iter().all(|pid| is_over(*pid) && !second.contains(pid)));
    let told = crew(&home, 3, "").run(&["stop"]);
    assert_eq!((told.code, lines(&told.stdout)), (0, each(3, |n| format!("Stopping actor-{n} ... OK"))));
    home.assert_nothing_left();
    let told = crew(&home, 3, "").run(&["stop"]);
    assert_eq!((told.code, lines(&told.stderr)), (0, each(3, |n| format!("warning: actor-{n} is not running"))));
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"; 6]);
}

#[test]
fn one_is_chosen_by_its_number_for_every_action() {
    let home = Home::new();
    let one = |words: &[&str]| crew(&home, 3, "").run(words);
    let told = one(&["start", "--instance", "2"]);
    let first = pid(&home, 2);
    told.assert(0, &format!("Starting actor-2 ... OK (pid {first})\n"), "");
    assert_eq!(home.processes(), [first]);
    let status = one(&["status", "--instance", "2", "--fields", "pid"]);
    status.assert(0, &format!("actor-2 -- pid: {first}\n"), "");
    assert_eq!(one(&["status", "--instance=0"]).code, 3);
    let told = one(&["restart", "--instance", "2"]);
    told.assert(0, &format!("Stopping actor-2 ... OK\nStarting actor-2 ... OK (pid {})\n", pid(&home, 2)), "");
    one(&["reload", "--instance", "2"]).assert(0, "Reloading actor-2 ... OK\n", "");
    let running = crew(&home, 3, "").spawn(&["run", "--instance", "0"]);
    eventually("the other one", || home.path("run/actor-0.pid").exists());
    assert_eq!(pid(&home, 0), i32::try_from(running.id()).expect("a pid"));
    let told = one(&["stop"]);
    assert_eq!(
        lines(&told.stdout),
        BTreeSet::from(["Stopping actor-0 ... OK", "Stopping actor-2 ... OK"].map(str::to_owned))
    );
    assert_eq!((told.code, told.stderr.as_str()), (0, "warning: actor-1 is not running\n"));
    assert_eq!(Told::of(running).code, 0);
    home.assert_nothing_left();
}

#[test]
fn a_number_out_of_range_is_a_mistake_of_the_command_line() {
    let home = Home::new();
    for number in ["3", "x", ""] {
        for action in ["start", "stop", "restart", "status", "logs", "reload", "run"] {
            let told = crew(&home, 3, "").run(&[action, "--instance", number]);
            assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{action} {number}");
            assert!(told.stderr.contains("instance"), "{told:?}");
        }
    }
    home.assert_nothing_left();
}

#[test]
fn status_tells_all_in_their_order_and_as_one_array() {
    let home = Home::new();
    let pids = start(&home, 3, "");
    let told = crew(&home, 3, "").run(&["status", "--fields", "pid"]);
    let line = |n: usize| format!("actor-{n} -- pid: {}\n", pids[n]);
    told.assert(0, &[line(0), line(1), line(2)].concat(), "");
    crew(&home, 3, "").run(&["stop", "--instance", "1"]);
    let told = crew(&home, 3, "").run(&["status", "--fields", "pid"]);
    told.assert(3, &[line(0), "actor-1 -- not running\n".to_owned(), line(2)].concat(), "");
    let told = crew(&home, 3, "").run(&["status", "--json"]);
    let objects: Vec<serde_json::Value> = serde_json::from_str(&told.stdout).expect("an array");
    let of = |key: &str| objects.iter().map(|object| object[key].clone()).collect::<Vec<_>>();
    assert_eq!((told.code, told.stderr.as_str(), told.stdout.lines().count()), (3, "", 1));
    assert_eq!(of("name"), ["actor-0", "actor-1", "actor-2"]);
    assert_eq!(of("status"), ["running", "dead", "running"]);
    assert_eq!(of("pid")[2], pids[2]);
    let told = crew(&home, 3, "").run(&["status", "--json", "--instance", "0"]);
    let object: serde_json::Value = serde_json::from_str(&told.stdout).expect("an object");
    assert_eq!(object["name"], "actor-0");
}

#[test]
fn one_that_fails_gives_its_exit_code_and_the_others_are_told_as_they_are() {
    let home = Home::new();
    let told = crew(&home, 3, "1:fails").run(&["start"]);
    let expected = ["Starting actor-1 ... FAILED".to_owned(), ok(&home, 0), ok(&home, 2)];
    assert_eq!((told.code, lines(&told.stdout)), (1, BTreeSet::from(expected)));
    assert_eq!(told.stderr, "error: no luck for 1\n");
    assert_eq!(home.processes().len(), 2);
    let home = Home::new();
    let told = crew(&home, 3, "1:exits,2:exits").run(&["start"]);
    assert_eq!(told.code, 41, "{told:?}");
    let exited = |code: u8| format!("error: the worker ended with exit code {code} before it was ready");
    assert_eq!(lines(&told.stderr), BTreeSet::from([exited(41), exited(42)]));
    assert_eq!(home.processes(), [pid(&home, 0)]);
}

fn ok(home: &Home, number: u32) -> String {
    format!("Starting actor-{number} ... OK (pid {})", pid(home, number))
}

#[test]
fn an_interrupt_of_a_start_of_all_ends_all_of_them() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let home = Home::new();
        let launcher = crew(&home, 3, "waits").set("ACTOR_READY", "notify").spawn(&["start"]);
        eventually("all of them", || home.lines("notes").len() == 3);
        kill(Pid::from_raw(i32::try_from(launcher.id()).expect("a pid")), signal).expect("it is our child");
        let told = Told::of(launcher);
        let error =
            format!("error: the start was interrupted by {signal} ({}), and the daemon was ended", signal as i32);
        assert_eq!(told.code, 128 + signal as i32);
        assert_eq!(lines(&told.stdout), each(3, |n| format!("Starting actor-{n} ... FAILED")));
        assert_eq!(told.stderr.lines().collect::<Vec<_>>(), [error.as_str(); 3]);
        home.assert_nothing_left();
    }
}

#[test]
fn an_interrupt_of_the_whole_process_group_is_told_by_each_of_them() {
    // As `timeout` sends it: each of them hears it twice, once by itself and once from the program. They hurry.
    for _ in 0..10 {
        let home = Home::new();
        let mut program = crew(&home, 3, "waits").set("ACTOR_READY", "notify");
        program.0.process_group(0);
        let launcher = program.spawn(&["start"]);
        eventually("all of them", || home.lines("notes").len() == 3);
        kill(Pid::from_raw(-i32::try_from(launcher.id()).expect("a pid")), Signal::SIGINT).expect("it is our child");
        let told = Told::of(launcher);
        home.assert_nothing_left();
        assert_eq!((told.code, told.stderr.lines().count()), (130, 3), "{told:?}");
    }
}

#[test]
fn all_run_in_the_foreground_together_and_end_together() {
    for words in [&["run"][..], &["start", "--foreground"]] {
        let home = Home::new();
        let running = crew(&home, 3, "meets").spawn(words);
        let is_up =
            |n: u32| home.path(&format!("run/actor-{n}.pid")).exists() && home.path(&format!("up-{n}")).exists();
        eventually("all of them", || (0..3).all(is_up));
        kill(Pid::from_raw(i32::try_from(running.id()).expect("a pid")), Signal::SIGTERM).expect("it is our child");
        let told = Told::of(running);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
        home.assert_nothing_left();
        assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"; 3]);
    }
}

#[test]
fn an_action_of_the_programs_own_is_done_once_and_in_the_program_itself() {
    let home = Home::new();
    crew(&home, 3, "").run(&["count"]).assert(0, "3\n", "");
    home.assert_nothing_left();
}

#[test]
fn a_pidfile_that_all_would_share_is_refused() {
    let home = Home::new();
    let told = crew(&home, 2, "").set("ACTOR_PIDFILE", home.path("run/one.pid")).run(&["start"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stderr.contains("all instances would share it: write `{n}` where the number belongs"), "{told:?}");
    home.assert_nothing_left();
}

#[test]
fn each_can_be_begun_anew_and_reloads_as_itself() {
    let home = Home::new();
    let told = crew(&home, 2, "").set("ACTOR_DETACH", "exec").run(&["start"]);
    assert_eq!((told.code, lines(&told.stdout)), (0, BTreeSet::from([ok(&home, 0), ok(&home, 1)])), "{told:?}");
    assert_eq!(crew(&home, 2, "").run(&["stop"]).code, 0);
    home.assert_nothing_left();
    for words in [&["start"][..], &["start", "--instance", "1"]] {
        let home = Home::new();
        assert_eq!(crew(&home, 2, "reloads").run(words).code, 0);
        eventually("its second image", || home.read("log-1") == "image of 1\nimage of 1\n");
        let told = crew(&home, 2, "").run(&["status", "--instance", "1", "--fields", "pid"]);
        told.assert(0, &format!("actor-1 -- pid: {}\n", pid(&home, 1)), "");
        assert_eq!(crew(&home, 2, "").run(&["stop"]).code, 0);
        home.assert_nothing_left();
    }
}
