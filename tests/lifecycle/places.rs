//! Pidfile, log and folder where nothing can be written or made: the sentence names the step, the path and the reason, and
//! nothing is left. Each disk is one of the test's own, in mounts of its own; that needs root.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::home::{Home, Told, is_root};
use crate::hostile::assert_all_is_well;

const FAILED: &str = "Starting actor ... FAILED\n";

/// Runs a script where `disk` is mounted as it says, and nobody else sees it.
fn on_a_disk(home: &Home, key: &str, name: &str, script: &str) -> Told {
    fs::create_dir_all(home.path("disk")).expect("made");
    let program = home.cast(Path::new("unshare"), "ready").set("ACTOR", env!("CARGO_BIN_EXE_actor"));
    program.set(&format!("ACTOR_{key}"), home.path(name)).run(&["-m", "sh", "-ec", script])
}

/// A disk with room for no byte more, but for names.
const FULL: &str = "mount -t tmpfs -o size=64k none disk; head -c 65536 /dev/zero >disk/filler";
/// A disk with room for no name more.
const NAMELESS: &str = "mount -t tmpfs -o nr_inodes=1 none disk";
const READ_ONLY: &str = "mount -t tmpfs -o ro none disk";
/// A part of a disk that may be written to elsewhere.
const READ_ONLY_BIND: &str = "mount --bind disk disk; mount -o remount,bind,ro disk";

const LOCK: &str = "cannot lock HOME/disk/actor.pid.claim";
const WRITE: &str = "cannot write the pidfile HOME/disk/actor.pid";
const FOLDER: &str = "cannot open the folder HOME/disk/new";
const OUT: &str = "cannot open HOME/disk/log for stdout";
const ERR: &str = "cannot open HOME/disk/new/log for stderr";

const NO_SPACE: &str = "No space left on device";
const NO_WRITING: &str = "Read-only file system";

#[test]
fn a_start_on_a_disk_that_takes_nothing_names_the_step_the_path_and_the_reason_and_leaves_nothing() {
    if !is_root("a_start_on_a_disk_that_takes_nothing_names_the_step_the_path_and_the_reason_and_leaves_nothing") {
        return;
    }
    let rows = [(FULL, NO_SPACE), (NAMELESS, NO_SPACE), (READ_ONLY, NO_WRITING), (READ_ONLY_BIND, NO_WRITING)];
    for (disk, reason) in rows {
        let places = [
            ("PIDFILE", "disk/actor.pid", if disk == FULL { WRITE } else { LOCK }),
            ("PIDFILE", "disk/new/actor.pid", FOLDER),
            ("STDOUT", "disk/log", OUT),
            ("STDERR", "disk/new/log", ERR),
        ];
        // Where only bytes are lacking, names can be made, and a log is opened.
        for (key, name, step) in places.into_iter().take(if disk == FULL { 1 } else { 4 }) {
            let home = Home::new();
            let script = format!("{disk}; code=0; \"$ACTOR\" start || code=$?; ls disk | grep -v filler || exit $code");
            let told = on_a_disk(&home, key, name, &script);
            let step = step.replace("HOME", home.path("").to_str().expect("text").trim_end_matches('/'));
            told.assert(1, FAILED, &format!("error: {step}: {reason}\n"));
            home.assert_nothing_left();
            assert_all_is_well(&home);
        }
    }
}

#[test]
fn a_question_about_a_read_only_disk_is_answered() {
    if !is_root("a_question_about_a_read_only_disk_is_answered") {
        return;
    }
    for disk in [READ_ONLY, READ_ONLY_BIND, FULL] {
        let home = Home::new();
        let script = format!("{disk}; code=0; \"$ACTOR\" status || code=$?; \"$ACTOR\" stop; exit $code");
        let told = on_a_disk(&home, "PIDFILE", "disk/actor.pid", &script);
        told.assert(3, "actor -- not running\n", "warning: actor is not running\n");
    }
}

#[test]
fn a_daemon_on_a_disk_that_one_may_only_read_is_known_and_stopped() {
    if !is_root("a_daemon_on_a_disk_that_one_may_only_read_is_known_and_stopped") {
        return;
    }
    let home = Home::new();
    let script = "mount -t tmpfs none disk; \"$ACTOR\" start >started; mount --bind disk disk
        mount -o remount,bind,ro disk; \"$ACTOR\" start 2>again; \"$ACTOR\" status --fields status; \"$ACTOR\" stop
        \"$ACTOR\" status || echo $?; ls disk";
    let told = on_a_disk(&home, "PIDFILE", "disk/actor.pid", script);
    told.assert(0, "actor -- status: running\nStopping actor ... OK\nactor -- not running\n3\n", "");
    assert!(home.read("started").starts_with("Starting actor ... OK (pid "));
    assert!(home.read("again").starts_with("warning: actor is already running with pid "));
    home.assert_nothing_left();
}

#[test]
fn a_daemon_whose_disk_is_covered_is_known_again_when_it_is_not_and_one_whose_disk_is_gone_ends_in_order() {
    if !is_root("a_daemon_whose_disk_is_covered_is_known_again_when_it_is_not_and_one_whose_disk_is_gone_ends_in_order")
    {
        return;
    }
    let home = Home::new();
    let script = "mount -t tmpfs none disk; \"$ACTOR\" start >started; pid=$(cat disk/actor.pid)
        mount -t tmpfs none disk; \"$ACTOR\" status || echo $?; umount disk; \"$ACTOR\" status --fields status
        umount -l disk; \"$ACTOR\" status || echo $?; kill $pid";
    let told = on_a_disk(&home, "PIDFILE", "disk/actor.pid", script);
    let nothing = "actor -- not running\n3\n";
    told.assert(0, &format!("{nothing}actor -- status: running\n{nothing}"), "");
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

#[test]
fn a_device_in_the_place_of_the_pidfile_or_of_its_folder_is_refused_by_its_name() {
    let rows = [
        ("/dev/full", "/dev/full is a device; move it away, or name another pidfile"),
        ("/dev/null", "/dev/null is a device; move it away, or name another pidfile"),
        ("/dev/full/actor.pid", "cannot open the folder /dev/full: Not a directory"),
    ];
    for (path, error) in rows {
        let home = Home::new();
        let told = home.actor("ready").set("ACTOR_PIDFILE", path).run(&["start"]);
        told.assert(1, FAILED, &format!("error: {error}\n"));
        assert!(!Path::new(&format!("{path}.claim")).exists() && !Path::new(&format!("{path}.new")).exists());
        home.assert_nothing_left();
    }
}

/// Puts something in the place of a log.
type Put = fn(&Path);

#[test]
fn a_log_that_cannot_be_one_is_refused_by_its_name_and_left_as_it_is() {
    let rows: [(Put, &str); 5] = [
        (|path| fs::create_dir(path).expect("made"), "Is a directory"),
        (|path| mkfifo(path, Mode::S_IRWXU).expect("made"), "it is a FIFO that nobody reads"),
        (|path| drop(UnixListener::bind(path).expect("made")), "it is a socket; give it as an open file"),
        (|path| symlink("nowhere/log", path).expect("made"), "No such file or directory"),
        (|path| symlink(path, path).expect("made"), "Too many levels of symbolic links"),
    ];
    for (put, reason) in rows {
        for (key, stream) in [("STDOUT", "stdout"), ("STDERR", "stderr")] {
            let home = Home::new();
            let log = home.path("log");
            put(&log);
            let kind = log.symlink_metadata().expect("there").file_type();
            let told = home.actor("ready").set(&format!("ACTOR_{key}"), &log).run(&["start"]);
            told.assert(1, FAILED, &format!("error: cannot open {} for {stream}: {reason}\n", log.display()));
            assert_eq!(log.symlink_metadata().expect("still there").file_type(), kind);
            home.assert_nothing_left();
        }
    }
}
