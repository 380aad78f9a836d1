//! What stands in the place of a file of ours and is none: refused by its name, never followed, and left as it is.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{geteuid, mkfifo};

use crate::home::Home;
use crate::hostile::{
    Innocent, NOT_RUNNING, Victim, assert_all_is_well, assert_running, assert_stops, claim, locker, start,
};

/// What an enemy may put into the place of a file of ours.
struct Thing {
    /// As the refusal calls it.
    name: &'static str,
    put: fn(&Path, &Path),
}

/// Each takes its path and that of a victim, which is a file.
const THINGS: [Thing; 7] = [
    Thing { name: "is a symbolic link", put: |path, victim| symlink(victim, path).expect("made") },
    Thing { name: "is a symbolic link", put: |path, _| symlink("nowhere", path).expect("made") },
    Thing { name: "is a symbolic link", put: |path, _| symlink(path, path).expect("made") },
    Thing { name: "has 2 names (hard links)", put: |path, victim| fs::hard_link(victim, path).expect("made") },
    Thing { name: "is a FIFO", put: |path, _| mkfifo(path, Mode::from_bits_truncate(0o666)).expect("made") },
    Thing { name: "is a directory", put: |path, _| fs::create_dir(path).expect("made") },
    Thing { name: "is a socket", put: |path, _| drop(UnixListener::bind(path).expect("made")) },
];

fn clear_away(path: &Path) {
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir(path).expect("removed");
    } else {
        fs::remove_file(path).expect("removed");
    }
}

/// Only root can make it: the device of /dev/null.
const DEVICE: Thing = Thing {
    name: "is a device",
    put: |path, _| mknod(path, SFlag::S_IFCHR, Mode::S_IRWXU, makedev(1, 3)).expect("made"),
};

fn things() -> impl Iterator<Item = &'static Thing> {
    THINGS.iter().chain(Some(&DEVICE).filter(|_| geteuid().is_root()))
}

#[test]
fn what_stands_in_the_pidfiles_place_and_is_no_file_of_ours_is_refused_and_unharmed() {
    for Thing { name, put } in things() {
        let home = Home::new();
        let mut innocent = Innocent::new();
        let text = format!("{}\n", innocent.pid());
        let victim = Victim::new(&home, &text);
        let path = home.pidfile();
        put(&path, &victim.0);
        let error = format!("error: {} {name}; move it away, or name another pidfile\n", path.display());
        home.actor("ready").run(&["start"]).assert(1, "Starting actor ... FAILED\n", &error);
        let status = format!("actor -- not running ({} {name})\n", path.display());
        home.actor("ready").run(&["status"]).assert(1, &status, "");
        home.actor("ready").run(&["stop", "--force", "--timeout", "0"]).assert(0, "", NOT_RUNNING);
        assert_eq!(home.run_names(), ["actor.pid"], "{name}");
        victim.assert_unharmed(&text);
        innocent.assert_alive();
        clear_away(&path);
        assert_all_is_well(&home);
    }
}

#[test]
fn what_stands_in_the_claims_place_and_is_no_claim_is_refused_and_unharmed() {
    for Thing { name, put } in things() {
        let home = Home::new();
        let victim = Victim::new(&home, "dear\n");
        put(&claim(&home), &victim.0);
        let error = format!("error: {} {name}; move it away, or name another pidfile\n", claim(&home).display());
        home.actor("ready").run(&["start"]).assert(1, "Starting actor ... FAILED\n", &error);
        assert_eq!(home.run_names(), ["actor.pid.claim"], "{name}");
        victim.assert_unharmed("dear\n");
        // Nothing runs. Whoever cannot be sure of that says why.
        for action in ["status", "stop"] {
            let told = home.actor("ready").run(&[action]);
            let whole = format!("{}{}", told.stdout, told.stderr);
            let says_why =
                told.code == 4 && whole.contains(&claim(&home).display().to_string()) && whole.contains(name);
            let says_no = [0, 1, 3].contains(&told.code) && whole.contains("not running");
            assert!(says_why || says_no, "{name}: {action}: {told:?}");
        }
        victim.assert_unharmed("dear\n");
        clear_away(&claim(&home));
        assert_all_is_well(&home);
    }
}

#[test]
fn what_stands_where_the_new_pidfile_is_made_is_never_followed() {
    for Thing { name, put } in things() {
        let home = Home::new();
        let victim = Victim::new(&home, "dear\n");
        let draft = home.path("run/actor.pid.new");
        put(&draft, &victim.0);
        if *name == "is a directory" {
            let told = home.actor("ready").run(&["start"]);
            assert_eq!((told.code, told.stdout.as_str()), (1, "Starting actor ... FAILED\n"));
            assert!(told.stderr.contains(&draft.display().to_string()), "{}", told.stderr);
            assert_eq!(home.run_names(), ["actor.pid.new"]);
            clear_away(&draft);
        }
        assert_all_is_well(&home);
        victim.assert_unharmed("dear\n");
    }
}

#[test]
fn a_stranger_who_locks_a_file_that_was_linked_into_our_place_is_no_daemon() {
    for name in ["run/actor.pid.claim", "run/actor.pid"] {
        let home = Home::new();
        let victim = Victim::new(&home, "1\n");
        let mut stranger = Innocent::locking(locker(&home), "posix-write", &victim.0);
        fs::hard_link(&victim.0, home.path(name)).expect("made");
        let told = home.actor("ready").run(&["status"]);
        assert!(!told.stdout.contains("running, ") && told.code != 0, "{name}: {told:?}");
        home.actor("ready").run(&["stop", "--force", "--timeout", "100ms"]);
        stranger.assert_alive();
        victim.assert_unharmed("1\n");
    }
}

#[test]
fn a_living_daemon_is_known_when_something_else_stands_in_its_pidfiles_place() {
    for Thing { name, put } in things() {
        let home = Home::new();
        let mut innocent = Innocent::new();
        let text = format!("{}\n", innocent.pid());
        let victim = Victim::new(&home, &text);
        let pid = start(&home);
        fs::remove_file(home.pidfile()).expect("removed");
        put(&home.pidfile(), &victim.0);
        assert_running(&home, pid);
        assert_stops(&home);
        innocent.assert_alive();
        victim.assert_unharmed(&text);
        assert_eq!(home.run_names(), ["actor.pid"], "{name}");
        clear_away(&home.pidfile());
        assert_all_is_well(&home);
    }
}

#[test]
fn a_living_daemon_is_known_when_something_else_stands_in_its_claims_place() {
    for Thing { name, put } in things() {
        let home = Home::new();
        let victim = Victim::new(&home, "dear\n");
        let pid = start(&home);
        fs::remove_file(claim(&home)).expect("removed");
        put(&claim(&home), &victim.0);
        assert_running(&home, pid);
        let told = home.actor("ready").run(&["start"]);
        assert_eq!(home.processes(), [pid], "{name}: {told:?}");
        assert_stops(&home);
        victim.assert_unharmed("dear\n");
        clear_away(&claim(&home));
        assert_all_is_well(&home);
    }
}
