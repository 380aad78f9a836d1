//! A container, whose PID 1 is the daemon's program: `unshare` makes it, and hands its exit code on.

use std::fs;
use std::path::Path;
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Told, catches, eventually, is_root, numbers_in};
use crate::tool::{are_there, says};

/// A container whose program was given `door` and `leak` as descriptors 3 and 4, the first of them for `NOTIFY_FD`.
const WITH_DESCRIPTORS: &str =
    r#"NOTIFY_FD=3 exec unshare --pid --fork --kill-child --mount-proc "$0" "$@" 3>door 4>leak"#;

/// A container that plays a role of the actor's, and its PID 1, as it is seen from here.
fn contain(test: &str, home: &Home, role: &str) -> Option<(Child, i32)> {
    if !is_root(test) || !are_there(test, &["unshare"]) {
        return None;
    }
    // Nothing repeats but what is asked for.
    let mut program = home.cast(Path::new("unshare"), role).set("ACTOR_EVERY", "1h");
    program.0.args(["--pid", "--fork", "--kill-child", "--mount-proc", env!("CARGO_BIN_EXE_actor")]);
    let outer = program.spawn(&["run"]);
    let first = || children(outer.id().cast_signed());
    eventually("its PID 1, or its end", || !first().is_empty() || role.contains(':') || role == "ends");
    let first = first().trim().parse().unwrap_or(0);
    Some((outer, first))
}

fn children(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default()
}

fn await_daemon(home: &Home) {
    eventually("the daemon", || home.pidfile().exists());
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it is there");
}

/// The children of a process that have ended, and whom nobody has waited for.
fn dead_of(parent: i32) -> usize {
    let is_dead = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(&format!("Z {parent} ")))
    };
    numbers_in("/proc").iter().filter(|pid| is_dead(pid)).count()
}

#[test]
fn a_stop_of_the_container_is_a_shutdown_in_order() {
    let home = Home::new();
    let test = "a_stop_of_the_container_is_a_shutdown_in_order";
    let Some((outer, first)) = contain(test, &home, "ready") else { return };
    await_daemon(&home);
    signal(first, Signal::SIGTERM);
    Told::of(outer).assert(0, "", "");
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
    home.assert_nothing_left();
}

#[test]
fn signals_to_pid_1_are_the_daemons_and_what_it_does_not_handle_ends_it() {
    let test = "signals_to_pid_1_are_the_daemons_and_what_it_does_not_handle_ends_it";
    let home = Home::new();
    let Some((outer, first)) = contain(test, &home, "handles-hangup") else { return };
    // Until the worker has a handler, it would end it.
    eventually("its handler", || children(first).trim().parse().is_ok_and(|pid| catches(pid, Signal::SIGHUP)));
    signal(first, Signal::SIGHUP);
    eventually("the hang-up to be heard", || home.lines("notes") == ["hang-up"]);
    signal(first, Signal::SIGUSR1);
    // The kernel keeps PID 1 itself from dying of it.
    Told::of(outer).assert(128 + 10, "", "");
}

#[test]
fn a_repeating_daemon_takes_orders_by_the_real_time_signals_of_pid_1() {
    let test = "a_repeating_daemon_takes_orders_by_the_real_time_signals_of_pid_1";
    if !are_there(test, &["kill", "nsenter"]) {
        return;
    }
    let home = Home::new();
    let Some((outer, first)) = contain(test, &home, "ticks") else { return };
    eventually("its first tick", || home.lines("notes") == ["tick 0"] && home.pidfile().exists());
    let order = |signal: &str| says(&home, "kill", &["-s", signal, &first.to_string()]).assert(0, "", "");
    let is_paused = |paused: bool| {
        let mut status = home.cast(Path::new("nsenter"), "ticks");
        status.0.args(["--pid", "--mount", "--target", &first.to_string(), env!("CARGO_BIN_EXE_actor")]);
        status.run(&["status", "--json"]).stdout.contains(&format!("\"paused\":{paused}"))
    };
    order("RTMIN+10");
    eventually("the tick that was asked for", || home.lines("notes") == ["tick 0", "tick 1"]);
    order("RTMIN+11");
    eventually("the pause", || is_paused(true));
    order("RTMIN+12");
    eventually("its end", || is_paused(false));
    signal(first, Signal::SIGTERM);
    Told::of(outer).assert(0, "", "");
    home.assert_nothing_left();
}

#[test]
fn exit_codes_pass_out_of_the_container() {
    for (role, code) in [("exits:42", 42), ("ends", 0), ("dies:SIGKILL", 137), ("exits:1", 1)] {
        let home = Home::new();
        let Some((outer, _)) = contain("exit_codes_pass_out_of_the_container", &home, role) else { return };
        Told::of(outer).assert(code, "", "");
    }
}

#[test]
fn orphans_are_waited_for_and_the_workers_own_children_by_the_worker_alone() {
    let home = Home::new();
    let test = "orphans_are_waited_for_and_the_workers_own_children_by_the_worker_alone";
    let Some((outer, first)) = contain(test, &home, "leaves-orphans") else { return };
    eventually("twenty children", || home.lines("notes").len() == 20);
    assert!(home.lines("notes").iter().all(|line| line == "Ok(Some(7))"), "{}", home.read("notes"));
    eventually("nobody to be left dead", || dead_of(first) == 0);
    signal(first, Signal::SIGTERM);
    Told::of(outer).assert(0, "", "");
    home.assert_nothing_left();
}

#[test]
fn pid_1_keeps_nothing_open_but_its_streams_and_what_it_waits_by() {
    let test = "pid_1_keeps_nothing_open_but_its_streams_and_what_it_waits_by";
    if !is_root(test) || !are_there(test, &["unshare"]) {
        return;
    }
    let home = Home::new();
    let mut program = home.cast(Path::new("sh"), "ready").set("ACTOR_READY", "notify");
    program.0.current_dir(home.path("")).args(["-c", WITH_DESCRIPTORS, env!("CARGO_BIN_EXE_actor")]);
    let outer = program.spawn(&["run"]);
    eventually("the word", || home.read("door") == "\n");
    let first = children(outer.id().cast_signed()).trim().parse().expect("its PID 1");
    let open = || {
        let numbers = numbers_in(&format!("/proc/{first}/fd")).into_iter().filter(|fd| *fd > 2);
        let targets = numbers.filter_map(|fd| fs::read_link(format!("/proc/{first}/fd/{fd}")).ok());
        targets.map(|target| target.display().to_string()).collect::<Vec<_>>()
    };
    eventually("the rest to be closed", || {
        open().iter().all(|target| target.contains("signalfd") || target.contains("pidfd"))
    });
    assert!(open().len() == 2 && numbers_in(&format!("/proc/{first}/fd")).len() == 5, "{:?}", open());
    signal(first, Signal::SIGTERM);
    Told::of(outer).assert(0, "", "");
    home.assert_nothing_left();
}
