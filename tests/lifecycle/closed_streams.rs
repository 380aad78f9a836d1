//! Standard streams that are closed when a command begins, by whoever ran the program or by the program itself: the exit code
//! still tells, and nothing of what is printed gets into a file of ours.

use crate::home::{Home, Program, Told};
use crate::surroundings::{CHOICES, assert_files_are_clean, start, without};

/// What is still heard of a command that says this.
fn heard(told: &Told, closed: &[i32], code: i32, stdout: &str, stderr: &str) {
    let through = |fd: i32, text: &str| if closed.contains(&fd) { String::new() } else { text.to_owned() };
    told.assert(code, &through(1, stdout), &through(2, stderr));
}

fn with_logs(home: &Home, program: Program) -> Program {
    program.set("ACTOR_STDOUT", home.path("out")).set("ACTOR_STDERR", home.path("err"))
}

/// Every command, of a program that `close` begins without these streams.
fn every_command_without(closed: &'static [i32], close: impl Fn(Program) -> Program) {
    let home = Home::new();
    let actor = || close(with_logs(&home, home.actor("ready")));
    let told = actor().run(&["start"]);
    let pid = home.pid();
    heard(&told, closed, 0, &format!("Starting actor ... OK (pid {pid})\n"), "");
    assert_files_are_clean(&home, pid);

    heard(&actor().run(&["start"]), closed, 0, "", &format!("warning: actor is already running with pid {pid}\n"));
    let status = actor().run(&["status", "--fields", "pid"]);
    heard(&status, closed, 0, &format!("actor -- pid: {pid}\n"), "");
    heard(&actor().run(&["reload"]), closed, 0, "Reloading actor ... OK\n", "");
    assert_files_are_clean(&home, pid);

    let told = actor().run(&["restart"]);
    let pid = home.pid();
    heard(&told, closed, 0, &format!("Stopping actor ... OK\nStarting actor ... OK (pid {pid})\n"), "");
    assert_files_are_clean(&home, pid);

    heard(&actor().run(&["stop"]), closed, 0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    heard(&actor().run(&["stop"]), closed, 0, "", "warning: actor is not running\n");
    heard(&actor().run(&["reload"]), closed, 7, "", "error: not running, so there is nothing to reload\n");
    heard(&actor().run(&["status"]), closed, 3, "actor -- not running\n", "");
    let failing = close(with_logs(&home, home.actor("fails")));
    heard(&failing.run(&["start"]), closed, 1, "Starting actor ... FAILED\n", "error: no such luck\n");
    home.assert_nothing_left();
}

#[test]
fn every_command_works_without_any_of_the_standard_streams() {
    for closed in CHOICES {
        every_command_without(closed, |program| without(program, closed));
    }
}

#[test]
fn every_command_works_in_a_program_that_has_closed_its_own_streams() {
    for (closed, numbers) in [(&[0][..], "0"), (&[1], "1"), (&[2], "2"), (&[0, 1, 2], "0,1,2")] {
        every_command_without(closed, |program| program.set("ACTOR_CLOSES", numbers));
    }
}

#[test]
fn a_start_that_begins_the_program_anew_works_without_standard_streams_too() {
    for closed in CHOICES {
        let home = Home::new();
        let program = with_logs(&home, home.actor("ready").set("ACTOR_DETACH", "exec"));
        let told = without(program, closed).run(&["start"]);
        heard(&told, closed, 0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
        assert_files_are_clean(&home, home.pid());
    }
}

/// The method finds what it looks for: text that got into a log, a pidfile or a claim.
#[test]
fn a_word_in_a_file_of_ours_would_be_noticed() {
    let home = Home::new();
    let pid = start(&home, with_logs(&home, home.actor("ready")));
    assert_files_are_clean(&home, pid);
    for name in ["out", "run/actor.pid", "run/actor.pid.claim"] {
        let before = home.read(name);
        std::fs::write(home.path(name), format!("{before}Starting actor ... OK\n")).expect("it is ours");
        let found = std::panic::catch_unwind(|| assert_files_are_clean(&home, pid));
        assert!(found.is_err(), "{name}");
        std::fs::write(home.path(name), before).expect("it is ours");
    }
}
