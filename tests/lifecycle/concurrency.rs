//! However many ask at the same time: one daemon at most, and everybody is told the truth.

use std::thread;
use std::time::{Duration, Instant};

use crate::home::{Home, Told, eventually};

const MANY: usize = 50;

fn start_many(home: &Home, role: &str, settle: &str) -> Vec<Told> {
    let start = || home.actor(role).set("ACTOR_SETTLE", settle).spawn(&["start"]);
    let starts: Vec<_> = (0..MANY).map(|_| start()).collect();
    starts.into_iter().map(Told::of).collect()
}

#[test]
fn a_start_that_meets_another_waits_for_it_as_long_as_it_may() {
    let home = Home::new();
    let actor = || home.actor("ready-on-go").set("ACTOR_READY", "notify");
    let first = actor().spawn(&["start"]);
    eventually("the first daemon to be there", || home.pidfile().exists());
    let pid = home.pid();
    let begun = Instant::now();
    let warning = format!("warning: actor is already running with pid {pid}\n");
    actor().run(&["start", "--timeout", "500ms"]).assert(0, "", &warning);
    assert!(begun.elapsed() >= Duration::from_millis(500));
    home.go();
    Told::of(first).assert(0, &format!("Starting actor ... OK (pid {pid})\n"), "");
}

#[test]
fn many_starts_at_once_that_fail_are_all_told_why_and_leave_nothing() {
    let home = Home::new();
    for told in start_many(&home, "lone:fails", "1s") {
        told.assert(1, "Starting actor ... FAILED\n", "error: no such luck\n");
    }
    home.assert_nothing_left();
    home.assert_never_two();
}

#[test]
fn as_long_as_a_daemon_is_at_its_end_no_other_is_started() {
    let home = Home::new();
    let told = home.actor("ends-late").run(&["start"]);
    assert_eq!(told.code, 0, "{told:?}");
    let pid = home.pid();
    let stop = home.actor("ends-late").spawn(&["stop", "--timeout", "1h"]);
    eventually("the daemon to be at its end", || home.read("notes") == "ending\n");
    let told = home.actor("ready").run(&["start", "--timeout", "300ms"]);
    assert!(!told.stdout.contains("OK"), "pid {pid} is still there, and yet: {told:?}");
    home.go();
    Told::of(stop).assert(0, "Stopping actor ... OK\n", "");
    let told = home.actor("ready").run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
}

#[test]
fn questions_during_a_start_are_answered_truly_and_disturb_nothing() {
    let home = Home::new();
    let start = home.actor("lone").set("ACTOR_SETTLE", "300ms").spawn(&["start"]);
    let ask = || {
        let mut answers = Vec::new();
        loop {
            answers.push(home.actor("lone").run(&["status", "--fields", "pid"]));
            if answers.len() > 20 && answers.last().is_some_and(|told| told.code == 0) {
                return answers;
            }
        }
    };
    let answers: Vec<_> = thread::scope(|scope| {
        let askers: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        askers.into_iter().map(|asker| asker.join().expect("asked")).collect()
    });
    Told::of(start).assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    for answers in answers {
        let (before, after): (Vec<_>, Vec<_>) = answers.iter().partition(|told| told.code != 0);
        before.iter().for_each(|told| told.assert(3, "actor -- not running\n", ""));
        after.iter().for_each(|told| told.assert(0, &format!("actor -- pid: {}\n", home.pid()), ""));
        assert!(answers.is_sorted_by_key(|told| told.code == 0), "it was there, and then not: {answers:?}");
    }
}
