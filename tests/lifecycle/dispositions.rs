//! What a launcher does with signals reaches neither the daemon nor the truth of what is told.

use nix::libc;

use crate::clean::{start, stop};
use crate::home::{Home, numbers_in};
use crate::inspection::{ignorable, signals};
use crate::surroundings::{blocking, ignoring};

#[test]
fn whatever_the_launcher_ignores_and_blocks_the_daemon_ignores_sigpipe_only_and_blocks_nothing() {
    for role in ["ready", "ticks", "plain"] {
        let home = Home::new();
        let program = home.actor(role).set("ACTOR_SETTLE", "20ms");
        let pid = start(&home, blocking(ignoring(program, ignorable().collect()), ignorable().collect()));
        assert_eq!(signals(&pid.to_string(), "SigIgn"), [libc::SIGPIPE]);
        for thread in numbers_in(&format!("/proc/{pid}/task")) {
            assert_eq!(signals(&format!("{pid}/task/{thread}"), "SigBlk"), Vec::<libc::c_int>::new());
        }
        stop(&home);
    }
}

#[test]
fn a_start_a_stop_and_a_restart_work_with_every_signal_ignored_and_blocked() {
    let home = Home::new();
    let actor = || blocking(ignoring(home.actor("ready"), ignorable().collect()), ignorable().collect());
    let before = start(&home, actor());
    let told = actor().run(&["restart"]);
    told.assert(0, &format!("Stopping actor ... OK\nStarting actor ... OK (pid {})\n", home.pid()), "");
    assert_ne!(home.pid(), before);
    actor().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"; 2]);
}

#[test]
fn a_launcher_that_ignores_or_blocks_sigchld_hears_the_truth_of_a_failing_start() {
    for (role, code, error) in [
        ("exits:42", 42, "the worker ended with exit code 42 before it was ready"),
        ("dies:SIGKILL", 137, "SIGKILL (9) ended the daemon before it was ready"),
        ("fails", 1, "no such luck"),
    ] {
        for deafen in [ignoring, blocking] {
            let home = Home::new();
            let told = deafen(home.actor(role), vec![libc::SIGCHLD]).run(&["start"]);
            told.assert(code, "Starting actor ... FAILED\n", &format!("error: {error}\n"));
            home.assert_nothing_left();
        }
    }
}
