//! Who may only read the pidfile can lock it, lease it, watch it and keep it open, and it means nothing. Needs root.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::home::{Home, is_root};
use crate::hostile::{Innocent, assert_all_is_well, assert_running, assert_stops, locker, start};

#[test]
fn readers_who_lock_the_pidfile_of_a_living_daemon_disturb_nothing() {
    if !is_root("readers_who_lock_the_pidfile_of_a_living_daemon_disturb_nothing") {
        return;
    }
    for kind in ["flock", "posix-read", "ofd-read"] {
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
    for kind in ["flock", "posix-read", "ofd-read"] {
        let home = Home::new();
        fs::write(home.pidfile(), "1\n").expect("written");
        fs::set_permissions(home.pidfile(), fs::Permissions::from_mode(0o644)).expect("ours");
        let mut reader = Innocent::locking(home.as_nobody(locker(&home)), kind, &home.pidfile());
        assert_eq!(home.actor("ready").run(&["status"]).code, 1, "{kind}");
        assert_all_is_well(&home);
        reader.assert_alive();
    }
}
