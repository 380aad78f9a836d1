//! In a container whose PID 1 does nothing but to be there: nobody waits for the daemon when it has ended.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, eventually, numbers_in};
use crate::surroundings::{assert_wholly_told, may_mount};

/// A container of processes, with a /proc of its own, whose PID 1 is sleep(1).
struct Container<'a> {
    home: &'a Home,
    outer: Child,
    /// Its PID 1, as it is seen from here.
    first: i32,
}

impl<'a> Container<'a> {
    fn new(home: &'a Home) -> Self {
        let mut unshare = home.program(Path::new("unshare"));
        unshare.0.args(["--pid", "--fork", "--mount-proc", "sleep", "3600"]);
        let outer = unshare.0.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        let children = format!("/proc/{0}/task/{0}/children", outer.id());
        let first = || fs::read_to_string(&children).ok()?.trim().parse::<i32>().ok();
        let is_asleep = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n");
        eventually("its PID 1", || first().is_some_and(is_asleep));
        Self { home, outer, first: first().expect("it was there") }
    }

    /// The actor in it.
    fn actor(&self, role: &str) -> Program {
        let mut program = self.home.cast(Path::new("nsenter"), role);
        program.0.args(["--pid", "--mount", "--target", &self.first.to_string(), env!("CARGO_BIN_EXE_actor")]);
        program
    }

    /// How many have ended in it that nobody has waited for.
    fn dead(&self) -> usize {
        let is_dead = |pid: &i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(&format!("Z {} ", self.first)))
        };
        numbers_in("/proc").iter().filter(|pid| is_dead(pid)).count()
    }

    #[track_caller]
    fn start(&self, detach: &str) -> i32 {
        let told = self.actor("ready").set("ACTOR_DETACH", detach).run(&["start"]);
        told.assert(0, &format!("Starting actor ... OK (pid {})\n", self.home.pid()), "");
        self.home.pid()
    }

    #[track_caller]
    fn stop(&self) {
        let told: Told = self.actor("ready").run(&["stop"]);
        told.assert(0, "Stopping actor ... OK\n", "");
        self.actor("ready").run(&["status"]).assert(3, "actor -- not running\n", "");
        assert_eq!(self.home.run_names(), Vec::<String>::new());
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // With its PID 1 all others end.
        let _ = kill(Pid::from_raw(self.first), Signal::SIGKILL);
        let _ = self.outer.wait();
    }
}

#[test]
fn where_nobody_waits_for_it_a_daemon_is_gone_when_stop_says_so() {
    if !may_mount("where_nobody_waits_for_it_a_daemon_is_gone_when_stop_says_so") {
        return;
    }
    for detach in ["true", "exec"] {
        let home = Home::new();
        let container = Container::new(&home);
        let pid = container.start(detach);
        assert_wholly_told(&container.actor("ready").run(&["status"]), pid);
        container.stop();
        assert!(container.dead() > 0, "somebody waits in this container");
        let pid = container.start(detach);
        let told = container.actor("ready").set("ACTOR_DETACH", detach).run(&["restart"]);
        told.assert(0, &format!("Stopping actor ... OK\nStarting actor ... OK (pid {})\n", home.pid()), "");
        assert_ne!(home.pid(), pid);
        container.stop();
    }
}

#[test]
fn where_nobody_waits_for_it_a_daemon_that_was_killed_is_dead_and_the_next_start_works() {
    if !may_mount("where_nobody_waits_for_it_a_daemon_that_was_killed_is_dead_and_the_next_start_works") {
        return;
    }
    let home = Home::new();
    let container = Container::new(&home);
    let pid = container.start("true");
    let outside = home.processes();
    let before = container.dead();
    // Its number from here is another one than in there.
    let daemon =
        outside.into_iter().find(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|c| c == "actor\n"));
    kill(Pid::from_raw(daemon.expect("it runs")), Signal::SIGKILL).expect("it runs");
    eventually("its end", || container.dead() > before);
    let left = format!("actor -- not running ({} was left behind by pid {pid})\n", home.pidfile().display());
    container.actor("ready").run(&["status"]).assert(1, &left, "");
    container.start("true");
    container.stop();
}

#[test]
fn where_nobody_waits_for_it_a_start_that_fails_leaves_nothing_that_runs() {
    if !may_mount("where_nobody_waits_for_it_a_start_that_fails_leaves_nothing_that_runs") {
        return;
    }
    for (role, code, error) in [
        ("fails", 1, "no such luck"),
        ("exits:42", 42, "the worker ended with exit code 42 before it was ready"),
        ("dies:SIGKILL", 137, "SIGKILL (9) ended the daemon before it was ready"),
    ] {
        let home = Home::new();
        let container = Container::new(&home);
        let told = container.actor(role).run(&["start"]);
        told.assert(code, "Starting actor ... FAILED\n", &format!("error: {error}\n"));
        let is_there = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "actor\n");
        eventually("every actor to be gone", || !home.processes().iter().any(is_there));
        assert_eq!(home.run_names(), Vec::<String>::new());
    }
}
