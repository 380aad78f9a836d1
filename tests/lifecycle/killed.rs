//! kill -9 of whoever takes part, at any moment: the truth is told afterwards, and the next start works.

use std::fs;
use std::process::Child;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Told, eventually, numbers_in};
use crate::hostile::{NOT_RUNNING, assert_all_is_well, assert_running, assert_stops, start};

fn sigkill(pid: i32) {
    // One that has ended meanwhile is as good as killed.
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

fn id(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a pid")
}

fn child_of(parent: i32) -> Option<i32> {
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        after_name.split(' ').nth(1) == Some(parent.to_string().as_str())
    };
    numbers_in("/proc").into_iter().find(is_child)
}

/// Waits until `status` and the processes agree: one daemon and nobody else, or nobody.
#[track_caller]
fn await_the_truth(home: &Home) {
    eventually("status and the processes to agree", || {
        let told = home.actor("ready").run(&["status", "--fields", "pid"]);
        match home.processes().as_slice() {
            [] => [1, 3].contains(&told.code),
            [pid] => told.code == 0 && told.stdout == format!("actor -- pid: {pid}\n"),
            _ => false,
        }
    });
}

#[test]
fn a_daemon_that_was_killed_is_told_dead_and_the_next_start_works() {
    let home = Home::new();
    let pid = start(&home);
    sigkill(pid);
    eventually("the daemon to be gone", || home.processes().is_empty());
    let why = format!("{} was left behind by pid {pid}", home.pidfile().display());
    let status = || home.actor("ready").run(&["status"]);
    eventually("the kernel to let go", || status().stdout == format!("actor -- not running ({why})\n"));
    assert_eq!(status().code, 1);
    assert_all_is_well(&home);
}

#[test]
fn what_a_killed_daemon_left_is_cleared_away_by_a_stop() {
    let home = Home::new();
    sigkill(start(&home));
    eventually("the daemon to be gone", || home.actor("ready").run(&["status"]).code == 1);
    home.actor("ready").run(&["stop"]).assert(0, "", NOT_RUNNING);
    home.assert_nothing_left();
}

/// A start that goes on until it is let go, with its launcher, its session leader and its daemon.
fn unfinished_start(home: &Home) -> (Child, [i32; 3]) {
    let launcher = home.actor("ready-on-go").set("ACTOR_READY", "notify").spawn(&["start"]);
    eventually("the daemon to be there", || home.pidfile().exists());
    let leader = child_of(id(&launcher)).expect("a session leader");
    let everybody = [id(&launcher), leader, home.pid()];
    (launcher, everybody)
}

#[test]
fn a_daemon_killed_on_its_way_is_a_failed_start_that_leaves_nothing() {
    let home = Home::new();
    let (start, [_, _, daemon]) = unfinished_start(&home);
    sigkill(daemon);
    let error = "error: SIGKILL (9) ended the daemon before it was ready\n";
    Told::of(start).assert(137, "Starting actor ... FAILED\n", error);
    home.assert_nothing_left();
    assert_all_is_well(&home);
}

#[test]
fn a_start_survives_its_session_leader() {
    let home = Home::new();
    let (start, [_, leader, daemon]) = unfinished_start(&home);
    sigkill(leader);
    home.go();
    Told::of(start).assert(0, &format!("Starting actor ... OK (pid {daemon})\n"), "");
    await_the_truth(&home);
    assert_running(&home, daemon);
    assert_stops(&home);
    assert_all_is_well(&home);
}

#[test]
fn a_daemon_and_its_session_leader_killed_on_the_way_leave_nothing() {
    let home = Home::new();
    let (start, [_, leader, daemon]) = unfinished_start(&home);
    sigkill(leader);
    sigkill(daemon);
    let told = Told::of(start);
    assert_eq!(told.stdout, "Starting actor ... FAILED\n");
    assert!(told.code != 0 && told.stderr.starts_with("error: "), "{told:?}");
    home.assert_nothing_left();
    assert_all_is_well(&home);
}

#[test]
fn a_daemon_that_loses_its_launcher_becomes_a_daemon_like_any_other() {
    let home = Home::new();
    let (start, [launcher, _, daemon]) = unfinished_start(&home);
    sigkill(launcher);
    assert_eq!(Told::of(start).code, 137);
    home.go();
    await_the_truth(&home);
    let warning = format!("warning: actor is already running with pid {daemon}\n");
    home.actor("ready").run(&["start"]).assert(0, "", &warning);
    assert_stops(&home);
    assert_all_is_well(&home);
}

/// Marsaglia's xorshift: the same moments in every run, as far as the machine allows.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

#[test]
fn whoever_is_killed_at_whatever_moment_the_state_is_true_and_the_next_start_works() {
    let home = Home::new();
    let mut random = Random(0x5eed);
    for round in 0..40 {
        let role = ["lone:ready", "lone"][random.below(2)];
        let start = home.actor(role).set("ACTOR_SETTLE", "20ms").spawn(&["start"]);
        std::thread::sleep(Duration::from_micros(u64::try_from(random.below(40_000)).expect("small")));
        let everybody = home.processes();
        if !everybody.is_empty() {
            let victim = everybody[random.below(everybody.len())];
            sigkill(victim);
            eventually("the signal to arrive", || !home.processes().contains(&victim));
        }
        let told = Told::of(start);
        await_the_truth(&home);
        let again = home.actor("lone:ready").run(&["start"]);
        assert_eq!(again.code, 0, "round {round}: {told:?}, then {again:?}");
        assert_eq!(home.processes(), [home.pid()], "round {round}: {told:?}, then {again:?}");
        assert_stops(&home);
        home.assert_nothing_left();
        home.assert_never_two();
    }
}
