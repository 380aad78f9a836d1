//! Where the kernel is too old for a system call, or a sandbox keeps it away: done without, or refused by its name.

use std::path::Path;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, catches, eventually};
use crate::surroundings::{assert_wholly_told, start};

/// The program where each of these calls fails with this errno.
fn sandboxed(home: &Home, errno: i32, calls: &str, program: &Program) -> Program {
    let mut sandboxed = home.cast(Path::new(env!("CARGO_BIN_EXE_sandbox")), "ready");
    for (key, value) in program.0.get_envs().filter_map(|(key, value)| Some((key, value?))) {
        sandboxed.0.env(key, value);
    }
    sandboxed.0.arg(errno.to_string()).arg(calls).arg(program.0.get_program());
    sandboxed
}

/// How the two errnos read that such a call fails with, and the exit code: a sandbox's refusal is a lack of privilege.
const REFUSALS: [(i32, &str, i32); 2] =
    [(libc::ENOSYS, "Function not implemented", 1), (libc::EPERM, "Operation not permitted", 4)];

fn refusal(call: &str, words: &str) -> String {
    format!(
        "error: {call} failed: {words}; without it no process could be signalled for certain: it needs Linux 5.3, and a sandbox \
         that lets it through\n"
    )
}

#[test]
fn without_handles_on_processes_a_start_is_refused_by_the_name_of_the_call_and_leaves_nothing() {
    for (errno, words, code) in REFUSALS {
        for call in ["pidfd_open", "pidfd_send_signal"] {
            for detach in ["true", "exec"] {
                let home = Home::new();
                let actor = home.actor("ready").set("ACTOR_DETACH", detach);
                let told = sandboxed(&home, errno, call, &actor).run(&["start"]);
                told.assert(code, "Starting actor ... FAILED\n", &refusal(call, words));
                home.assert_nothing_left();
            }
        }
    }
}

#[test]
fn without_handles_on_processes_a_stop_signals_nobody_and_names_the_call() {
    for (errno, words, code) in REFUSALS {
        let home = Home::new();
        let pid = start(&home, home.actor("ready"));
        let actor = |call: &str| sandboxed(&home, errno, call, &home.actor("ready"));
        let told = actor("pidfd_open").run(&["stop"]);
        told.assert(code, "Stopping actor ... FAILED\n", &refusal("pidfd_open", words));
        // A refusal to signal reads as one by the kernel, whose errno it is.
        let unsent = match errno {
            libc::ENOSYS => refusal("pidfd_send_signal", words),
            _ => format!("error: cannot send SIGTERM (15) to pid {pid}: {words}\n"),
        };
        actor("pidfd_send_signal").run(&["stop"]).assert(code, "Stopping actor ... FAILED\n", &unsent);
        actor("pidfd_open").run(&["reload"]).assert(code, "", &refusal("pidfd_open", words));
        // What could not be started again is not stopped.
        let told = actor("pidfd_open").run(&["restart"]);
        told.assert(code, "Starting actor ... FAILED\n", &refusal("pidfd_open", words));
        assert_wholly_told(&home.actor("ready").run(&["status"]), pid);
        assert!(home.lines("last-words").is_empty());
    }
}

#[test]
fn without_handles_on_processes_status_and_a_second_start_tell_all_the_same() {
    for (errno, _, _) in REFUSALS {
        let home = Home::new();
        let pid = start(&home, home.actor("ready"));
        let actor = || sandboxed(&home, errno, "pidfd_open,pidfd_send_signal", &home.actor("ready"));
        assert_wholly_told(&actor().run(&["status"]), pid);
        actor().run(&["start"]).assert(0, "", &format!("warning: actor is already running with pid {pid}\n"));
    }
}

#[test]
fn without_handles_on_processes_a_daemon_in_the_foreground_lives_its_whole_life() {
    for (errno, _, _) in REFUSALS {
        let home = Home::new();
        let actor = || sandboxed(&home, errno, "pidfd_open,pidfd_send_signal", &home.actor("ready"));
        let child = actor().spawn(&["run"]);
        let pid = i32::try_from(child.id()).expect("a pid");
        eventually("a daemon that hears", || home.pidfile().exists() && catches(pid, Signal::SIGTERM));
        assert_wholly_told(&actor().run(&["status"]), pid);
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it runs");
        Told::of(child).assert(0, "", "");
        home.assert_nothing_left();
    }
}

#[test]
fn without_close_range_every_command_does_its_whole_work() {
    for (errno, _, _) in REFUSALS {
        for close_fds in ["inherited", "all", "none"] {
            let home = Home::new();
            let plain = || home.actor("ready").set("ACTOR_CLOSE_FDS", close_fds);
            let actor = || sandboxed(&home, errno, "close_range", &plain());
            let pid = start(&home, actor());
            assert_wholly_told(&actor().run(&["status"]), pid);
            let told = actor().run(&["restart"]);
            told.assert(0, &format!("Stopping actor ... OK\nStarting actor ... OK (pid {})\n", home.pid()), "");
            actor().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
            home.assert_nothing_left();
        }
    }
}
