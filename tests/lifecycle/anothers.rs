//! What another account has put in the place of a file of ours, locked or not: refused, not believed, and left as it is.
//! Needs root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use crate::home::{Home, NOBODY, is_root};
use crate::hostile::{Innocent, NOT_RUNNING, assert_all_is_well, claim, locker};
use crate::traitor::traitor;

/// Folders that others than root may write to, by their owner and their mode.
const SHARED: [(u32, u32); 3] = [(0, 0o1777), (0, 0o777), (NOBODY, 0o777)];

fn share(home: &Home, (uid, mode): (u32, u32)) {
    chown(home.path("run"), Some(uid), Some(uid)).expect("root may");
    fs::set_permissions(home.path("run"), fs::Permissions::from_mode(mode)).expect("ours");
}

#[test]
fn a_claim_that_another_account_planted_and_locked_is_no_daemon_and_keeps_nobody_from_saying_so() {
    if !is_root("a_claim_that_another_account_planted_and_locked_is_no_daemon_and_keeps_nobody_from_saying_so") {
        return;
    }
    for shared in SHARED {
        let home = Home::new();
        share(&home, shared);
        fs::write(claim(&home), "").expect("written");
        chown(claim(&home), Some(NOBODY), Some(NOBODY)).expect("given away");
        let mut stranger = Innocent::locking(home.as_nobody(locker(&home)), "posix-write", &claim(&home));
        let found = format!("{} belongs to another user (uid {NOBODY})", claim(&home).display());
        let error = format!("error: {found}; move it away, or name another pidfile\n");
        home.actor("ready").run(&["start"]).assert(1, "Starting actor ... FAILED\n", &error);
        let status = format!("actor -- cannot tell whether it is running ({found})\n");
        home.actor("ready").run(&["status"]).assert(4, &status, "");
        for words in [&["stop"][..], &["stop", "--force", "--timeout", "0"], &["reload"]] {
            let told = home.actor("ready").run(words);
            assert!(told.code == 4 && told.stderr.contains(&found), "{shared:?} {words:?}: {told:?}");
        }
        stranger.assert_alive();
        drop(stranger);
        fs::remove_file(claim(&home)).expect("removed");
        assert_all_is_well(&home);
    }
}

#[test]
fn a_new_pidfile_that_another_account_has_begun_is_removed_and_made_afresh() {
    if !is_root("a_new_pidfile_that_another_account_has_begun_is_removed_and_made_afresh") {
        return;
    }
    for shared in SHARED {
        let home = Home::new();
        share(&home, shared);
        let draft = home.path("run/actor.pid.new");
        fs::write(&draft, "1\n").expect("written");
        chown(&draft, Some(NOBODY), Some(NOBODY)).expect("given away");
        let mut stranger = Innocent::locking(home.as_nobody(locker(&home)), "posix-write", &draft);
        assert_all_is_well(&home);
        stranger.assert_alive();
    }
}

#[test]
fn the_claim_of_one_daemon_in_the_place_of_anothers_gets_neither_signalled() {
    if !is_root("the_claim_of_one_daemon_in_the_place_of_anothers_gets_neither_signalled") {
        return;
    }
    let home = Home::new();
    share(&home, (NOBODY, 0o755));
    let other = || home.actor("ready").set("ACTOR_PIDFILE", home.path("run/other.pid"));
    assert_eq!(other().run(&["start"]).code, 0);
    let running = other().run(&["status", "--fields", "pid"]);
    // The folder's owner exchanges names there as he likes.
    fs::rename(home.path("run/other.pid.claim"), claim(&home)).expect("moved");
    let found = format!("{} is the claim of other.pid", claim(&home).display());
    for words in [&["status"][..], &["stop"], &["stop", "--force", "--timeout", "0"], &["reload"]] {
        let told = home.actor("ready").run(words);
        let text = format!("{}{}", told.stdout, told.stderr);
        assert!(told.code == 4 && text.contains(&found), "{words:?}: {told:?}");
    }
    fs::rename(claim(&home), home.path("run/other.pid.claim")).expect("moved");
    let told = other().run(&["status", "--fields", "pid"]);
    told.assert(0, &running.stdout, "");
    other().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
}

#[test]
fn a_locked_file_of_roots_that_the_user_moved_into_our_place_gets_nobody_signalled() {
    if !is_root("a_locked_file_of_roots_that_the_user_moved_into_our_place_gets_nobody_signalled") {
        return;
    }
    for place in ["run/actor.pid", "run/actor.pid.claim"] {
        let home = Home::new();
        share(&home, (NOBODY, 0o755));
        fs::write(home.path("run/roots"), "dear\n").expect("written");
        let mut service = Innocent::locking(locker(&home), "posix-write", &home.path("run/roots"));
        fs::rename(home.path("run/roots"), home.path(place)).expect("the folder's owner may");
        let program = || traitor(&home, "");
        for words in
            [&["stop"][..], &["stop", "--force", "--timeout", "0"], &["reload"], &["start", "--timeout", "200ms"]]
        {
            let told = program().run(words);
            assert!(told.code != 0, "{place} {words:?}: {told:?}");
            service.assert_alive();
            assert_eq!(home.read(place), "dear\n", "{words:?}");
        }
        let told = program().run(&["status"]);
        assert_eq!(told.code, 4, "{place}: {told:?}");
    }
}

#[test]
fn a_log_that_the_daemons_user_has_leased_is_told_as_that() {
    if !is_root("a_log_that_the_daemons_user_has_leased_is_told_as_that") {
        return;
    }
    let home = Home::new();
    let log = home.path("log");
    fs::write(&log, "").expect("written");
    chown(&log, Some(NOBODY), Some(NOBODY)).expect("given away");
    let mut user = Innocent::locking(home.as_nobody(locker(&home)), "lease-read", &log);
    let start = || traitor(&home, "").set("ACTOR_STDOUT", &log).run(&["start"]);
    let why = "its owner has a lease on it, which ends soon; try again in a minute";
    let error = format!("error: cannot open {} for stdout: {why}\n", log.display());
    start().assert(1, "Starting actor ... FAILED\n", &error);
    user.assert_alive();
    drop(user);
    assert_eq!(start().code, 0);
}

#[test]
fn a_claim_of_another_account_is_refused() {
    if !is_root("a_claim_of_another_account_is_refused") {
        return;
    }
    let home = Home::new();
    fs::write(claim(&home), "").expect("written");
    chown(claim(&home), Some(NOBODY), Some(NOBODY)).expect("given away");
    let told = home.actor("ready").run(&["start"]);
    let error = format!(
        "error: {} belongs to another user (uid {NOBODY}); move it away, or name another pidfile\n",
        claim(&home).display()
    );
    told.assert(1, "Starting actor ... FAILED\n", &error);
    assert_eq!(home.run_names(), ["actor.pid.claim"]);
}

#[test]
fn a_pidfile_of_another_account_is_refused() {
    if !is_root("a_pidfile_of_another_account_is_refused") {
        return;
    }
    let home = Home::new();
    let mut innocent = Innocent::new();
    fs::write(home.pidfile(), format!("{}\n", innocent.pid())).expect("written");
    chown(home.pidfile(), Some(NOBODY), Some(NOBODY)).expect("given away");
    let told = home.actor("ready").run(&["start"]);
    let error = format!(
        "error: {} belongs to another user (uid {NOBODY}); move it away, or name another pidfile\n",
        home.pidfile().display()
    );
    told.assert(1, "Starting actor ... FAILED\n", &error);
    home.actor("ready").run(&["stop", "--force", "--timeout", "0"]).assert(0, "", NOT_RUNNING);
    assert_eq!(home.run_names(), ["actor.pid"]);
    innocent.assert_alive();
}

#[test]
fn a_pidfile_that_another_account_planted_and_locked_gets_nobody_signalled() {
    if !is_root("a_pidfile_that_another_account_planted_and_locked_gets_nobody_signalled") {
        return;
    }
    let home = Home::new();
    fs::write(home.pidfile(), "1\n").expect("written");
    chown(home.pidfile(), Some(NOBODY), Some(NOBODY)).expect("given away");
    let mut stranger = Innocent::locking(home.as_nobody(locker(&home)), "posix-write", &home.pidfile());
    for action in ["stop", "reload"] {
        let told = home.actor("ready").run(&[action]);
        assert!(told.code == 4 && told.stderr.contains("belongs to another user"), "{action}: {told:?}");
    }
    let told = home.actor("ready").run(&["stop", "--force", "--timeout", "0"]);
    assert_eq!(told.code, 4, "{told:?}");
    stranger.assert_alive();
}
