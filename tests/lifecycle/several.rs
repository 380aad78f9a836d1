//! More than one daemon in one program, and programs that do not come to the same call again.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, eventually, numbers_in};

fn several(home: &Home, role: &str) -> Program {
    home.program(Path::new(env!("CARGO_BIN_EXE_several"))).set("SEVERAL_ROLE", role)
}

fn end_all(home: &Home) {
    for pid in home.processes() {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    home.assert_nothing_left();
}

#[test]
fn two_daemons_of_one_name_are_each_begun_anew_as_themselves() {
    let home = Home::new();
    let told = several(&home, "one-after-the-other").run(&[]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert_eq!((home.read("a"), home.read("b")), ("here\n".to_owned(), "here\n".to_owned()));
    assert_eq!(home.processes().len(), 2);
    end_all(&home);
}

#[test]
fn a_program_that_ends_well_on_its_way_to_the_call_has_not_started() {
    let home = Home::new();
    let told = several(&home, "leaves-early").run(&[]);
    let error = "Error: the daemon ended, or let go of its claim, before it was ready and without a word\n";
    told.assert(1, "", error);
    home.assert_nothing_left();
}

#[test]
fn a_program_that_comes_to_another_start_first_begins_no_further_images() {
    let home = Home::new();
    let told = several(&home, "astray").run(&[]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stderr.contains("without a word"), "{told:?}");
    home.assert_nothing_left();
    assert_eq!(home.read("other"), "");
}

#[test]
fn a_process_is_one_daemon_at_a_time() {
    let home = Home::new();
    let told = several(&home, "two-at-a-time").run(&[]);
    told.assert(0, "this process is a daemon already, and can be but one at a time\ntrue\ntrue\n", "");
    eventually("nothing to be left", || numbers_in("/proc").iter().all(|pid| !home.processes().contains(pid)));
    home.assert_nothing_left();
}
