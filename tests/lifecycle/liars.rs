//! The tests of enemies can fail: what they ask for, a program on the crate daemonize does not do.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::home::{Home, Program, Told, eventually};
use crate::hostile::{Innocent, Victim, locker};

fn liar(home: &Home) -> Program {
    home.cast(Path::new(env!("CARGO_BIN_EXE_liar")), "")
}

#[test]
fn the_liar_kills_whom_its_pidfile_names() {
    let home = Home::new();
    let mut innocent = Innocent::new();
    fs::write(home.pidfile(), format!("{}\n", innocent.pid())).expect("written");
    assert_eq!(liar(&home).run(&["status"]).code, 0);
    let stop = liar(&home).spawn(&["stop"]);
    eventually("a stranger's end", || !innocent.is_alive());
    assert_eq!(Told::of(stop).code, 0);
}

#[test]
fn the_liar_writes_through_a_link_into_a_file_elsewhere() {
    let home = Home::new();
    let victim = Victim::new(&home, "dear\n");
    symlink(&victim.0, home.pidfile()).expect("made");
    assert_eq!(liar(&home).run(&["start"]).code, 0);
    eventually("its number", || home.read("victim") != "dear\n");
}

#[test]
fn the_liar_is_kept_from_starting_by_whoever_can_read_its_pidfile() {
    let home = Home::new();
    fs::write(home.pidfile(), "").expect("written");
    let reader = Innocent::locking(locker(&home), "flock", &home.pidfile());
    // And it says that it has started.
    assert_eq!(liar(&home).run(&["start"]).code, 0);
    eventually("its silent end", || home.processes().is_empty());
    drop(reader);
    assert_eq!(liar(&home).run(&["start"]).code, 0);
    eventually("its number", || !home.read("run/actor.pid").is_empty());
    assert_eq!(home.processes().len(), 1);
}
