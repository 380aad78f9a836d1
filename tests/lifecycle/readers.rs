//! Who may only read the pidfile can lock it, lease it, watch it and keep it open, and it means nothing. Needs root.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::home::{Home, is_root};
use crate::hostile::{Innocent, assert_all_is_well, assert_running, assert_stops, claim, locker, start};

/// What one can do with a file that one may only read. A lease is refused to all but its owner.
const KINDS: [&str; 7] = ["flock", "posix-read", "ofd-read", "lease-read", "lease-write", "watches", "opens"];

#[test]
fn a_reader_cannot_open_the_claim_at_all() {
    if !is_root("a_reader_cannot_open_the_claim_at_all") {
        return;
    }
    let home = Home::new();
    start(&home);
    for kind in ["opens", "posix-write"] {
        let told = home.as_nobody(locker(&home)).run(&[kind, claim(&home).to_str().expect("text")]);
        assert!(told.code != 0 && told.stderr.contains("Permission denied"), "{kind}: {told:?}");
    }
    assert_stops(&home);
}

#[test]
fn readers_of_the_pidfile_of_the_daemon_before_do_not_disturb_the_next_one() {
    if !is_root("readers_of_the_pidfile_of_the_daemon_before_do_not_disturb_the_next_one") {
        return;
    }
    let home = Home::new();
    start(&home);
    let mut readers: Vec<_> =
        KINDS.map(|kind| Innocent::locking(home.as_nobody(locker(&home)), kind, &home.pidfile())).into();
    assert_stops(&home);
    for _ in 0..2 {
        assert_all_is_well(&home);
    }
    readers.iter_mut().for_each(Innocent::assert_alive);
}

#[test]
fn readers_who_lock_the_pidfile_of_a_living_daemon_disturb_nothing() {
    if !is_root("readers_who_lock_the_pidfile_of_a_living_daemon_disturb_nothing") {
        return;
    }
    for kind in KINDS {
        let home = Home::new();
        let pid = start(&home);
        let mut reader = Innocent::locking(home.as_nobody(locker(&home)), kind, &home.pidfile());
        assert_running(&home, pid);
        let warning = format!("warning: actor is already running with pid {pid}\n");
        home.actor("ready").run(&["start"]).assert(0, "", &warning);
        assert_stops(&home);
        reader.assert_alive();
        assert_all_is_well(&home);
    }
}

#[test]
fn readers_who_lock_a_stale_pidfile_disturb_nothing() {
    if !is_root("readers_who_lock_a_stale_pidfile_disturb_nothing") {
        return;
    }
    for kind in KINDS {
        let home = Home::new();
        fs::write(home.pidfile(), "1\n").expect("written");
        fs::set_permissions(home.pidfile(), fs::Permissions::from_mode(0o644)).expect("ours");
        let mut reader = Innocent::locking(home.as_nobody(locker(&home)), kind, &home.pidfile());
        assert_eq!(home.actor("ready").run(&["status"]).code, 1, "{kind}");
        assert_all_is_well(&home);
        reader.assert_alive();
    }
}
