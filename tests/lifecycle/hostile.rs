//! A living daemon is known by its locks, whatever has become of its files; and what the tests of enemies have in common:
//! strangers who must stay alive, files that must stay as they are, and a daemon that works in spite of all.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::home::{Home, Program};

pub const NOT_RUNNING: &str = "warning: actor is not running\n";

/// A process that has nothing to do with any daemon. Any signal that means harm ends it.
pub struct Innocent(Child);

impl Innocent {
    pub fn new() -> Self {
        Self(Command::new("sleep").arg("3600").stdin(Stdio::null()).spawn().expect("it runs"))
    }

    /// One that tries to lock a file and goes on.
    pub fn locking(mut locker: Program, kind: &str, path: &Path) -> Self {
        let mut child =
            locker.0.arg(kind).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut told = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut told).expect("told");
        assert!(["held\n", "refused\n"].contains(&told.as_str()), "{kind}: {told:?}");
        Self(child)
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("asked").is_none()
    }

    #[track_caller]
    pub fn assert_alive(&mut self) {
        assert!(self.is_alive(), "a stranger was ended");
    }
}

impl Drop for Innocent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn locker(home: &Home) -> Program {
    let mut locker = home.program(Path::new(env!("CARGO_BIN_EXE_locker")));
    // It is none of the processes that the actor has left.
    locker.0.env_clear();
    locker
}

pub fn claim(home: &Home) -> PathBuf {
    home.path("run/actor.pid.claim")
}

#[track_caller]
pub fn start(home: &Home) -> i32 {
    let told = home.actor("ready").run(&["start"]);
    assert_eq!(told.code, 0, "{told:?}");
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    home.pid()
}

#[track_caller]
pub fn assert_running(home: &Home, pid: i32) {
    let told = home.actor("ready").run(&["status", "--fields", "status,pid"]);
    told.assert(0, &format!("actor -- status: running, pid: {pid}\n"), "");
}

#[track_caller]
pub fn assert_stops(home: &Home) {
    home.actor("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    assert_eq!(home.processes(), Vec::<i32>::new());
}

/// A daemon can be started, and is the only one, and stopped.
#[track_caller]
pub fn assert_all_is_well(home: &Home) {
    let pid = start(home);
    assert_running(home, pid);
    assert_eq!(home.processes(), [pid]);
    assert_stops(home);
    home.assert_nothing_left();
}

/// A file that must stay as it is.
pub struct Victim(pub PathBuf);

impl Victim {
    pub fn new(home: &Home, text: &str) -> Self {
        let path = home.path("victim");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
        Self(path)
    }

    #[track_caller]
    pub fn assert_unharmed(&self, text: &str) {
        let mode = self.0.metadata().expect("there").permissions().mode();
        assert_eq!((fs::read_to_string(&self.0).expect("read").as_str(), mode & 0o7777), (text, 0o640));
    }
}

#[test]
fn a_living_daemon_is_known_when_its_pidfile_is_removed_or_replaced_by_another() {
    let mut innocent = Innocent::new();
    for label in [None, Some(format!("{}\n", innocent.pid())), Some("banana\n".to_owned()), Some(String::new())] {
        let home = Home::new();
        let pid = start(&home);
        match &label {
            None => fs::remove_file(home.pidfile()).expect("removed"),
            Some(text) => {
                fs::write(home.path("other"), text).expect("written");
                fs::rename(home.path("other"), home.pidfile()).expect("replaced");
            }
        }
        assert_running(&home, pid);
        let warning = format!("warning: actor is already running with pid {pid}\n");
        home.actor("ready").run(&["start"]).assert(0, "", &warning);
        assert_stops(&home);
        innocent.assert_alive();
        assert_all_is_well(&home);
    }
}

#[test]
fn a_living_daemon_is_known_when_its_claim_is_removed_or_replaced() {
    let replace = |path: &Path| fs::write(path, "").expect("written");
    for put in [|_: &Path| {}, replace] {
        let home = Home::new();
        let pid = start(&home);
        fs::remove_file(claim(&home)).expect("removed");
        put(&claim(&home));
        assert_running(&home, pid);
        let warning = format!("warning: actor is already running with pid {pid}\n");
        home.actor("ready").run(&["start"]).assert(0, "", &warning);
        assert_eq!(home.processes(), [pid]);
        assert_stops(&home);
        assert_all_is_well(&home);
    }
}

#[test]
fn nobody_but_the_owner_can_open_the_claim_and_everybody_can_read_the_pidfile() {
    for umask in ["000", "077"] {
        let home = Home::new();
        home.actor("ready").set("ACTOR_UMASK", umask).run(&["start"]);
        let mode = |path: PathBuf| path.metadata().expect("there").permissions().mode() & 0o7777;
        assert_eq!((mode(claim(&home)), mode(home.pidfile())), (0o600, 0o644), "{umask}");
    }
}

#[test]
fn a_worker_that_reads_its_own_pidfile_and_status_is_still_known() {
    let home = Home::new();
    home.actor("reads-its-pidfile").run(&["start"]);
    let pid = home.pid();
    let notes = home.lines("notes");
    assert_eq!(notes[0], pid.to_string());
    assert!(notes[1].starts_with(&format!("Running(Vitals {{ pid: {pid},")), "{notes:?}");
    assert_running(&home, pid);
    assert_stops(&home);
    assert_all_is_well(&home);
}

#[test]
fn a_worker_that_reads_all_files_beside_its_pidfile_is_still_known() {
    let home = Home::new();
    home.actor("reads-its-folder").run(&["start"]);
    let pid = home.pid();
    assert_running(&home, pid);
    let warning = format!("warning: actor is already running with pid {pid}\n");
    home.actor("ready").run(&["start", "--timeout", "200ms"]).assert(0, "", &warning);
    assert_stops(&home);
    assert_all_is_well(&home);
}
