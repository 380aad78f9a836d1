//! A daemon that reloads again and again, as fast as it can, while others ask for it, stop it, kill it and replace it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{eventually, is_over};
use crate::reload::{Anew, BUILT, inode_of};

#[test]
fn at_every_moment_of_a_storm_of_reloads_status_finds_the_daemon() {
    let anew = Anew::new();
    let pid = anew.start("storm", &[]);
    let claim = inode_of(&anew.home, "run/actor.pid.claim");
    let line = format!("actor -- pid: {pid}, status: running, ");
    while anew.images().len() < 300 {
        let told = anew.run(&["status"]);
        assert!(told.code == 0 && told.stdout.starts_with(&line), "{told:?}");
        anew.run(&["start"]).assert(0, "", &format!("warning: actor is already running with pid {pid}\n"));
    }
    assert_eq!(inode_of(&anew.home, "run/actor.pid.claim"), claim);
    assert_eq!(anew.home.read("last-words"), "");
}

#[test]
fn a_stop_in_the_middle_of_a_storm_of_reloads_is_heard_once() {
    for _ in 0..30 {
        let anew = Anew::new();
        let pid = anew.start("storm", &[]);
        let told = anew.program("").set("ACTOR_STOP_TIMEOUT", "5s").run(&["stop"]);
        told.assert(0, "Stopping actor ... OK\n", "");
        anew.home.assert_nothing_left();
        assert_eq!(anew.home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"], "pid {pid}");
    }
}

#[test]
fn a_kill_in_the_middle_of_a_storm_leaves_what_the_next_start_clears_away() {
    for _ in 0..10 {
        let anew = Anew::new();
        let pid = anew.start("storm", &[]);
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is there");
        eventually("its end", || is_over(pid));
        let told = anew.run(&["status"]);
        assert_eq!(told.code, 1, "{told:?}");
        anew.start("", &[]);
        anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        anew.home.assert_nothing_left();
    }
}

#[test]
fn updates_in_the_middle_of_a_storm_are_all_taken_in() {
    let anew = Anew::new();
    let pid = anew.start("storm", &[]);
    (0..49).for_each(|_| {
        anew.replace();
    });
    let last = anew.replace();
    eventually("the last program", || {
        let failure = anew.home.lines("log").into_iter().find(|line| line.starts_with("cannot "));
        assert_eq!(failure, None);
        anew.images().last().is_some_and(|(inode, _)| *inode == last)
    });
    // While a process begins a program, /proc shows it without an environment.
    eventually("the daemon, and nobody else", || anew.home.processes() == [pid]);
}

#[test]
fn many_who_ask_at_the_same_time_are_answered_while_the_program_is_replaced() {
    let anew = Anew::new();
    let pid = anew.start("storm", &[]);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let told = anew.home.cast(BUILT.as_ref(), "").run(&["status", "--json", "--fields", "pid,status"]);
                    told.assert(0, &format!("{{\"pid\":{pid},\"status\":\"running\"}}\n"), "");
                }
            });
        }
        eventually("a hundred images", || anew.images().len() > 100);
        over.store(true, Ordering::SeqCst);
    });
}
