//! `stop` says that the daemon is gone when it is; `restart` and `reload` go by the same proof.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};

use crate::home::{Home, Program, Told, eventually, is_root};

const OK: &str = "Stopping actor ... OK\n";
const FAILED: &str = "Stopping actor ... FAILED\n";
const NOT_RUNNING: &str = "warning: actor is not running\n";

/// A daemon that does not listen when it is asked to stop.
fn deaf(home: &Home) -> Program {
    home.actor("deaf").set("ACTOR_SETTLE", "10ms")
}

/// Starts the program, and says which pid the daemon has.
fn start(home: &Home, program: Program) -> i32 {
    let told = program.run(&["start"]);
    assert_eq!(told.code, 0, "{told:?}");
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    home.pid()
}

fn is_running(home: &Home, pid: i32) -> bool {
    let told = home.actor("ready").run(&["status", "--fields", "pid"]);
    told.code == 0 && told.stdout == format!("actor -- pid: {pid}\n")
}

/// CAP_SYS_PTRACE, capabilities(7): root in a container most often does not have it.
const SYS_PTRACE: nix::libc::c_ulong = 19;

#[test]
fn root_that_may_not_look_into_processes_stops_a_daemon_all_the_same() {
    if !is_root("root_that_may_not_look_into_processes_stops_a_daemon_all_the_same") {
        return;
    }
    let home = Home::new();
    let confined = |role: &str| {
        let mut program = home.actor(role);
        let drop_it = || {
            // SAFETY: prctl(2) with these takes two numbers and touches no memory.
            let done = unsafe { nix::libc::prctl(nix::libc::PR_CAPBSET_DROP, SYS_PTRACE) };
            if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        };
        // SAFETY: between fork and exec this is a single system call.
        unsafe { program.0.pre_exec(drop_it) };
        program
    };
    assert_eq!(home.actor("ready").run(&["start"]).code, 0);
    confined("ready").run(&["stop"]).assert(0, OK, "");
    home.assert_nothing_left();
}

#[test]
fn when_stop_says_ok_nothing_is_left() {
    let home = Home::new();
    start(&home, home.actor("ready"));
    home.actor("ready").run(&["stop"]).assert(0, OK, "");
    assert_eq!((home.processes(), home.run_names()), (vec![], vec![]));
    assert_eq!(home.read("last-words"), "Terminated by SIGTERM (15) [0]\n");
}

#[test]
fn a_stop_that_finds_nobody_warns_and_succeeds() {
    let home = Home::new();
    home.actor("ready").run(&["stop"]).assert(0, "", NOT_RUNNING);
    home.actor("ready").run(&["stop", "--force", "--timeout", "0"]).assert(0, "", NOT_RUNNING);
    home.assert_nothing_left();
}

#[test]
fn a_daemon_that_will_not_stop_is_told_with_pid_and_seconds_and_lives_on() {
    let home = Home::new();
    let pid = start(&home, deaf(&home).set("ACTOR_STOP_TIMEOUT", "1s"));
    let begun = Instant::now();
    let told = deaf(&home).set("ACTOR_STOP_TIMEOUT", "1s").run(&["stop"]);
    let error = format!("error: pid {pid} is still running after 1s; `--force` kills it, `--timeout` waits longer\n");
    told.assert(1, FAILED, &error);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(is_running(&home, pid));
}

#[test]
fn the_timeout_of_the_command_line_counts_before_stop_timeout() {
    let home = Home::new();
    let pid = start(&home, deaf(&home));
    let told = deaf(&home).set("ACTOR_STOP_TIMEOUT", "1h").run(&["stop", "--timeout", "200ms"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, FAILED));
    assert!(told.stderr.starts_with(&format!("error: pid {pid} is still running after 200ms;")), "{}", told.stderr);
}

#[test]
fn force_kills_the_daemon_and_the_children_of_its_session_but_nobody_else() {
    let home = Home::new();
    let pid = start(&home, home.actor("deaf-parent"));
    let children: Vec<i32> = home.lines("notes").iter().map(|line| line.parse().expect("a pid")).collect();
    let [in_session, on_its_own] = children[..] else { panic!("two children: {children:?}") };
    eventually("the second child to leave the session", || {
        getsid(Some(Pid::from_raw(on_its_own))) == Ok(Pid::from_raw(on_its_own))
    });
    let told = home.actor("deaf-parent").run(&["stop", "--force", "--timeout", "200ms"]);
    told.assert(0, OK, &format!("warning: pid {pid} had not stopped after 200ms, and was killed\n"));
    assert_eq!(home.run_names(), Vec::<String>::new());
    eventually("the child of the session to be gone", || !home.processes().contains(&in_session));
    assert_eq!(home.processes(), [on_its_own]);
}

#[test]
fn force_does_not_kill_what_stops_in_time() {
    let home = Home::new();
    start(&home, home.actor("ready"));
    home.actor("ready").run(&["stop", "--force"]).assert(0, OK, "");
    assert_eq!(home.read("last-words"), "Terminated by SIGTERM (15) [0]\n");
}

#[test]
fn a_worker_that_takes_its_time_is_given_it() {
    let home = Home::new();
    let slow = || home.actor("slow").set("ACTOR_SETTLE", "10ms").set("ACTOR_STOP_TIMEOUT", "1h");
    let pid = start(&home, slow());
    let mut stop = slow().spawn(&["stop"]);
    eventually("the worker to be asked", || home.read("notes") == "asked\n");
    assert!(is_running(&home, pid));
    assert_eq!(stop.try_wait().expect("asked"), None);
    home.go();
    Told::of(stop).assert(0, OK, "");
    home.assert_nothing_left();
}

#[test]
fn a_daemon_that_something_else_ends_meanwhile_counts_as_stopped() {
    let home = Home::new();
    let pid = start(&home, home.actor("slow").set("ACTOR_SETTLE", "10ms"));
    let stop = home.actor("slow").spawn(&["stop", "--timeout", "1h"]);
    eventually("the worker to be asked", || home.read("notes") == "asked\n");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    Told::of(stop).assert(0, OK, "");
    assert_eq!((home.processes(), home.run_names()), (vec![], vec![]));
}

#[test]
fn the_stop_signal_is_what_is_sent_and_asks_for_the_shutdown() {
    for (signal, name) in [("SIGUSR1", "SIGUSR1 (10)"), ("SIGINT", "SIGINT (2)"), ("SIGHUP", "SIGHUP (1)")] {
        let home = Home::new();
        let actor = || home.actor("ready").set("ACTOR_STOP_SIGNAL", signal);
        start(&home, actor());
        // Whatever asks for the end is no reload.
        assert_eq!(actor().run(&["reload"]).code, 3, "{signal}");
        actor().run(&["stop"]).assert(0, OK, "");
        assert_eq!(home.read("last-words"), format!("Terminated by {name} [0]\n"));
        home.assert_nothing_left();
    }
}

#[test]
fn a_stop_ends_a_start_that_is_in_progress_and_both_say_so() {
    let home = Home::new();
    let actor = || home.actor("ready-on-go").set("ACTOR_READY", "notify");
    let start = actor().spawn(&["start"]);
    // Once the claim is taken, which comes before the second file, the start is what `stop` waits for.
    eventually("the start to begin", || home.run_names().len() == 2);
    actor().run(&["stop"]).assert(0, OK, "");
    let error = "error: SIGTERM (15) ended the daemon before it was ready\n";
    Told::of(start).assert(143, "Starting actor ... FAILED\n", error);
    home.assert_nothing_left();
}

#[test]
fn stops_at_the_same_time_all_tell_the_truth() {
    let home = Home::new();
    start(&home, home.actor("ready"));
    let stops: Vec<_> = (0..10).map(|_| home.actor("ready").spawn(&["stop"])).collect();
    let told: Vec<_> = stops.into_iter().map(Told::of).collect();
    let (stopped, found_nobody): (Vec<_>, Vec<_>) = told.iter().partition(|told| told.stdout == OK);
    assert!(!stopped.is_empty(), "{told:?}");
    stopped.iter().for_each(|told| told.assert(0, OK, ""));
    found_nobody.iter().for_each(|told| told.assert(0, "", NOT_RUNNING));
    home.assert_nothing_left();
}

#[test]
fn a_second_stop_waits_as_well_and_does_not_cut_the_worker_short() {
    let home = Home::new();
    let pid = start(&home, home.actor("slow").set("ACTOR_SETTLE", "10ms"));
    let first = home.actor("slow").spawn(&["stop", "--timeout", "1h"]);
    eventually("the worker to be asked", || home.read("notes") == "asked\n");
    let told = home.actor("slow").run(&["stop", "--timeout", "200ms"]);
    let error =
        format!("error: pid {pid} is still running after 200ms; `--force` kills it, `--timeout` waits longer\n");
    told.assert(1, FAILED, &error);
    home.go();
    Told::of(first).assert(0, OK, "");
    assert_eq!(home.read("last-words"), "Terminated by SIGTERM (15) [0]\n");
    home.assert_nothing_left();
}

#[test]
fn what_another_account_may_not_signal_is_told_as_that_and_lives() {
    if !is_root("what_another_account_may_not_signal_is_told_as_that_and_lives") {
        return;
    }
    let home = Home::new();
    let pid = start(&home, home.actor("handles-hangup"));
    let nobody = || home.as_nobody(home.actor("ready"));
    let denied = |signal| format!("error: cannot send {signal} to pid {pid}: Operation not permitted\n");
    nobody().run(&["stop"]).assert(4, FAILED, &denied("SIGTERM (15)"));
    nobody().run(&["stop", "--force", "--timeout", "0"]).assert(4, FAILED, &denied("SIGTERM (15)"));
    nobody().run(&["restart"]).assert(4, FAILED, &denied("SIGTERM (15)"));
    let told = nobody().run(&["reload"]);
    assert_eq!((told.code, told.stderr), (4, denied("SIGHUP (1)")));
    assert!(is_running(&home, pid));
}

#[test]
fn a_restart_tells_of_the_stop_and_of_the_start() {
    let home = Home::new();
    let old = start(&home, home.actor("ready"));
    let told = home.actor("ready").run(&["restart"]);
    told.assert(0, &format!("{OK}Starting actor ... OK (pid {})\n", home.pid()), "");
    assert_ne!(home.pid(), old);
    assert_eq!(home.processes(), [home.pid()]);
}

#[test]
fn a_restart_that_finds_nobody_warns_and_starts() {
    let home = Home::new();
    let told = home.actor("ready").run(&["restart"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), NOT_RUNNING);
    assert_eq!(home.processes(), [home.pid()]);
}

#[test]
fn a_restart_whose_stop_fails_starts_nothing_and_the_old_daemon_lives() {
    let home = Home::new();
    let pid = start(&home, deaf(&home));
    let told = deaf(&home).run(&["restart", "--timeout", "200ms"]);
    let error =
        format!("error: pid {pid} is still running after 200ms; `--force` kills it, `--timeout` waits longer\n");
    told.assert(1, FAILED, &error);
    assert!(is_running(&home, pid));
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn a_restart_with_force_gets_past_a_daemon_that_will_not_stop() {
    let home = Home::new();
    let old = start(&home, deaf(&home));
    let told = home.actor("ready").run(&["restart", "--force", "--timeout", "1s"]);
    let warning = format!("warning: pid {old} had not stopped after 1s, and was killed\n");
    told.assert(0, &format!("{OK}Starting actor ... OK (pid {})\n", home.pid()), &warning);
    assert_eq!(home.processes(), [home.pid()]);
}

#[test]
fn a_restart_whose_start_fails_says_so_and_leaves_nothing() {
    let home = Home::new();
    start(&home, home.actor("ready"));
    let told = home.actor("fails").run(&["restart"]);
    told.assert(1, &format!("{OK}Starting actor ... FAILED\n"), "error: no such luck\n");
    home.assert_nothing_left();
}

#[test]
fn a_restart_that_could_never_start_does_not_stop_the_daemon() {
    let home = Home::new();
    let pid = start(&home, home.actor("ready"));
    let told = home.actor("threads").run(&["restart"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stderr.starts_with("error: this process has 2 threads"), "{}", told.stderr);
    assert!(is_running(&home, pid));
}

#[test]
fn a_reload_reaches_a_daemon_that_handles_the_hang_up() {
    let home = Home::new();
    let pid = start(&home, home.actor("handles-hangup"));
    home.actor("handles-hangup").run(&["reload"]).assert(0, "Reloading actor ... OK\n", "");
    eventually("the daemon to hear of it", || home.read("notes") == "hang-up\n");
    assert!(is_running(&home, pid));
}

#[test]
fn a_reload_does_not_kill_a_daemon_that_does_not_handle_the_hang_up() {
    let home = Home::new();
    let pid = start(&home, home.actor("ready"));
    let error = format!(
        "error: pid {pid} does not handle SIGHUP, which would have killed it, so none was sent; \
         `restart` starts it anew\n"
    );
    home.actor("ready").run(&["reload"]).assert(3, "", &error);
    assert!(is_running(&home, pid));
}

#[test]
fn a_reload_that_finds_nobody_fails() {
    let home = Home::new();
    home.actor("ready").run(&["reload"]).assert(7, "", "error: not running, so there is nothing to reload\n");
    home.assert_nothing_left();
}
