//! Where there is no /dev/null: told, or done without where the daemon's streams are files.

use nix::sys::signal::Signal;

use crate::home::{Home, Program};
use crate::surroundings::{
    CHOICES, assert_files_are_clean, assert_wholly_told, may_mount, start, without, without_devices,
};

const OK: &str = "Stopping actor ... OK\n";

fn with_files(home: &Home, program: Program) -> Program {
    std::fs::write(home.path("in"), "").expect("written");
    let program = program.set("ACTOR_STDIN", home.path("in"));
    program.set("ACTOR_STDOUT", home.path("out")).set("ACTOR_STDERR", home.path("err"))
}

#[test]
fn a_start_that_wants_the_null_device_names_it_and_leaves_nothing() {
    if !may_mount("a_start_that_wants_the_null_device_names_it_and_leaves_nothing") {
        return;
    }
    for detach in ["true", "exec"] {
        let home = Home::new();
        let actor = || home.actor("ready").set("ACTOR_DETACH", detach);
        let error = "error: cannot open /dev/null for stdin: No such file or directory\n";
        without_devices(actor()).run(&["start"]).assert(1, "Starting actor ... FAILED\n", error);
        home.assert_nothing_left();
        let pid = start(&home, actor());
        // What could not be started again is not stopped.
        without_devices(actor()).run(&["restart"]).assert(1, "Starting actor ... FAILED\n", error);
        assert_wholly_told(&without_devices(actor()).run(&["status"]), pid);
        without_devices(actor()).run(&["stop"]).assert(0, OK, "");
        home.assert_nothing_left();
    }
}

#[test]
fn a_daemon_whose_streams_are_files_does_without_the_null_device() {
    if !may_mount("a_daemon_whose_streams_are_files_does_without_the_null_device") {
        return;
    }
    for detach in ["true", "exec"] {
        let home = Home::new();
        let actor = || without_devices(with_files(&home, home.actor("ready")).set("ACTOR_DETACH", detach));
        let pid = start(&home, actor());
        assert_wholly_told(&actor().run(&["status"]), pid);
        actor().run(&["restart"]).assert(0, &format!("{OK}Starting actor ... OK (pid {})\n", home.pid()), "");
        actor().run(&["stop"]).assert(0, OK, "");
        home.assert_nothing_left();
        let failing = without_devices(with_files(&home, home.actor("complains")).set("ACTOR_DETACH", detach));
        let stderr = "error: no such luck\nwhat it wrote to stderr:\n  words on stderr\n";
        failing.run(&["start"]).assert(1, "Starting actor ... FAILED\n", stderr);
        home.assert_nothing_left();
    }
}

#[test]
fn what_the_program_closed_itself_is_filled_with_something_that_takes_no_word() {
    if !may_mount("what_the_program_closed_itself_is_filled_with_something_that_takes_no_word") {
        return;
    }
    for closed in ["0", "1", "2", "0,1,2"] {
        let home = Home::new();
        let actor = || without_devices(with_files(&home, home.actor("ready")).set("ACTOR_CLOSES", closed));
        let told = actor().run(&["start"]);
        let line = format!("Starting actor ... OK (pid {})\n", home.pid());
        told.assert(0, if closed.contains('1') { "" } else { &line }, "");
        assert_files_are_clean(&home, home.pid());
        assert_eq!(actor().run(&["status"]).code, 0);
        assert_eq!(actor().run(&["stop"]).code, 0);
        home.assert_nothing_left();
    }
}

/// Rust's own runtime opens /dev/null for a program that is begun without its standard streams, and aborts where it cannot.
/// No code of the program runs, so all that can be told is told: by the exit code.
#[test]
fn a_program_without_streams_and_without_the_null_device_does_not_begin() {
    if !may_mount("a_program_without_streams_and_without_the_null_device_does_not_begin") {
        return;
    }
    let home = Home::new();
    let pid = start(&home, home.actor("ready"));
    for closed in CHOICES {
        for verb in ["start", "status", "stop"] {
            let told = without_devices(without(with_files(&home, home.actor("ready")), closed)).run(&[verb]);
            told.assert(128 + Signal::SIGABRT as i32, "", "");
        }
    }
    assert_wholly_told(&home.actor("ready").run(&["status"]), pid);
}
