//! What another account has put in the place of a file of ours, locked or not: refused, not believed, and left as it is.
//! Needs root.

use std::fs;
use std::os::unix::fs::chown;

use crate::home::{Home, NOBODY, is_root};
use crate::hostile::{Innocent, NOT_RUNNING, claim, locker};

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
