//! However many ask at the same time: one daemon at most, and everybody is told the truth.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Told, eventually};
use crate::killed::Random;

const MANY: usize = 50;

fn start_many(home: &Home, role: &str, settle: &str) -> Vec<Told> {
    let start = || home.actor(role).set("ACTOR_SETTLE", settle).spawn(&["start"]);
    let starts: Vec<_> = (0..MANY).map(|_| start()).collect();
    starts.into_iter().map(Told::of).collect()
}

#[track_caller]
fn assert_one_has_started(home: &Home, told: &[Told]) {
    let pid = home.pid();
    let (started, others): (Vec<_>, Vec<_>) = told.iter().partition(|told| told.stderr.is_empty());
    assert_eq!(started.len(), 1, "{started:?}");
    started[0].assert(0, &format!("Starting actor ... OK (pid {pid})\n"), "");
    let warning = format!("warning: actor is already running with pid {pid}\n");
    others.iter().for_each(|told| told.assert(0, "", &warning));
    assert_eq!(home.lines("notes"), [pid.to_string()]);
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn of_many_starts_at_once_one_starts_the_daemon_and_the_others_name_it() {
    let home = Home::new();
    let told = start_many(&home, "lone:ready", "1s");
    assert_one_has_started(&home, &told);
}

#[test]
fn of_many_starts_at_once_one_settles_and_the_others_name_it() {
    let home = Home::new();
    let told = start_many(&home, "lone", "300ms");
    assert_one_has_started(&home, &told);
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

/// One step of somebody who does not care what the others do, and whether what he was told can be.
fn step(home: &Home, random: &mut Random) -> Result<(), String> {
    let verb = ["start", "start", "stop", "restart", "status", "kill"][random.below(6)];
    if verb == "kill" {
        let everybody = home.processes();
        if !everybody.is_empty() {
            let victim = everybody[random.below(everybody.len())];
            // One that has ended meanwhile is as good as killed.
            let _ = kill(Pid::from_raw(victim), Signal::SIGKILL);
        }
        return Ok(());
    }
    let role = ["lone:ready", "lone"][random.below(2)];
    let told = home.actor(role).set("ACTOR_SETTLE", "10ms").run(&[verb]);
    let killed = told.code == 137;
    let can_be = match (verb, told.code) {
        ("status", code) => [0, 1, 3].contains(&code),
        ("start" | "restart", 0) => true,
        // A stop or a kill may have come in between; then it says so.
        ("start" | "restart", _) => told.stderr.contains("error: "),
        (_, code) => code == 0,
    };
    if killed || can_be { Ok(()) } else { Err(format!("{verb}: {told:?}")) }
}

#[test]
fn whatever_many_do_at_random_there_are_never_two_daemons() {
    let home = Home::new();
    let walk = |seed: u64| {
        let mut random = Random(seed);
        (0..30).try_for_each(|_| step(&home, &mut random))
    };
    let wrong: Vec<_> = thread::scope(|scope| {
        let walkers: Vec<_> = (1..=8).map(|n| scope.spawn(move || walk(0x9e37_79b9_7f4a_7c15 << n))).collect();
        walkers.into_iter().filter_map(|walker| walker.join().expect("walked").err()).collect()
    });
    assert_eq!(wrong, Vec::<String>::new());
    home.assert_never_two();
    // What was killed a moment ago may still be on its way to the end, or to be a daemon.
    let told = home.actor("lone").run(&["stop"]);
    assert_eq!(told.code, 0, "{told:?}");
    home.assert_nothing_left();
    let told = home.actor("lone:ready").run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    home.actor("lone:ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    home.assert_never_two();
}
