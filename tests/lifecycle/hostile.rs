//! Whatever stands in the pidfile or beside it, and whenever a process is killed: no stranger is signalled, and what is
//! told is true.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::home::{Home, NOBODY, Program, is_root};

pub const NOT_RUNNING: &str = "warning: actor is not running\n";

/// A process that has nothing to do with any daemon. Any signal that means harm ends it.
pub struct Innocent(Child);

impl Innocent {
    pub fn new() -> Self {
        Self(Command::new("sleep").arg("3600").stdin(Stdio::null()).spawn().expect("it runs"))
    }

    /// One that tries to lock a file and goes on.
    fn locking(mut locker: Program, kind: &str, path: &Path) -> Self {
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

    #[track_caller]
    pub fn assert_alive(&mut self) {
        assert_eq!(self.0.try_wait().expect("asked"), None, "a stranger was ended");
    }
}

impl Drop for Innocent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn locker(home: &Home) -> Program {
    let mut locker = home.program(Path::new(env!("CARGO_BIN_EXE_locker")));
    // It is none of the processes that the actor has left.
    locker.0.env_clear();
    locker
}

fn claim(home: &Home) -> PathBuf {
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

/// What may stand in a pidfile, and whom a reader who knows the rules takes it to name.
fn labels(innocent: u32) -> Vec<(Vec<u8>, Option<u32>)> {
    let nobody = ["0\n", "-1\n", "banana\n", "", "\n", "   \n", "\0\0\0\0\n", "2147483648\n", "18446744073709551616\n"];
    let mut labels: Vec<_> = nobody.iter().map(|text| (text.as_bytes().to_vec(), None)).collect();
    for text in [format!(" {innocent}\n"), format!("+{innocent}\n"), format!("{innocent}\n{innocent}\n")] {
        labels.push((text.into_bytes(), None));
    }
    for text in ["1".to_owned(), format!("{innocent}\n"), format!("{innocent}")] {
        let named = text.trim().parse().ok();
        labels.push((text.into_bytes(), named));
    }
    labels
}

#[test]
fn whatever_a_pidfile_says_nobody_is_signalled_without_proof() {
    let home = Home::new();
    let mut innocent = Innocent::new();
    let path = home.pidfile();
    for (label, named) in labels(innocent.pid()) {
        fs::write(&path, &label).expect("written");
        let whose = named.map_or(", and names no process".to_owned(), |pid| format!(" by pid {pid}"));
        let why = format!("{} was left behind{whose}", path.display());
        home.actor("ready").run(&["status"]).assert(1, &format!("actor -- not running ({why})\n"), "");
        let error = "error: not running, so there is nothing to reload\n";
        home.actor("ready").run(&["reload"]).assert(7, "", error);
        home.actor("ready").run(&["stop", "--force", "--timeout", "0"]).assert(0, "", NOT_RUNNING);
        home.actor("ready").run(&["status"]).assert(3, "actor -- not running\n", "");
        innocent.assert_alive();
    }
}

#[test]
fn whatever_a_stale_pidfile_says_the_next_start_works() {
    let home = Home::new();
    let mut innocent = Innocent::new();
    for (label, _) in labels(innocent.pid()) {
        fs::write(home.pidfile(), &label).expect("written");
        assert_all_is_well(&home);
        innocent.assert_alive();
    }
}

#[test]
fn a_file_too_long_for_a_pidfile_is_somebodys_and_stays() {
    let home = Home::new();
    for size in [65, 1 << 30] {
        File::create(home.pidfile()).and_then(|file| file.set_len(size)).expect("made");
        let told = home.actor("ready").run(&["start"]);
        let path = home.pidfile();
        let found = format!("{} has {size} bytes, so it is no pidfile", path.display());
        let error = format!("error: {found}; move it away, or name another pidfile\n");
        told.assert(1, "Starting actor ... FAILED\n", &error);
        home.actor("ready").run(&["stop"]).assert(0, "", NOT_RUNNING);
        let told = home.actor("ready").run(&["status"]);
        assert!(told.code == 1 && told.stdout.starts_with("actor -- not running ("), "{told:?}");
        assert_eq!((home.run_names(), path.metadata().expect("there").len()), (vec!["actor.pid".to_owned()], size));
    }
}

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

/// A file that must stay as it is.
struct Victim(PathBuf);

impl Victim {
    fn new(home: &Home, text: &str) -> Self {
        let path = home.path("victim");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
        Self(path)
    }

    #[track_caller]
    fn assert_unharmed(&self, text: &str) {
        let mode = self.0.metadata().expect("there").permissions().mode();
        assert_eq!((fs::read_to_string(&self.0).expect("read").as_str(), mode & 0o7777), (text, 0o640));
    }
}

#[test]
fn what_stands_in_the_pidfiles_place_and_is_no_file_of_ours_is_refused_and_unharmed() {
    for Thing { name, put } in &THINGS {
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
    for Thing { name, put } in &THINGS {
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
    for Thing { name, put } in &THINGS {
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
fn a_living_daemon_is_known_whatever_is_written_into_its_pidfile() {
    let mut innocent = Innocent::new();
    for (label, _) in labels(innocent.pid()) {
        let home = Home::new();
        let pid = start(&home);
        fs::write(home.pidfile(), &label).expect("written");
        assert_running(&home, pid);
        let warning = format!("warning: actor is already running with pid {pid}\n");
        home.actor("ready").run(&["start"]).assert(0, "", &warning);
        assert_stops(&home);
        innocent.assert_alive();
        assert_all_is_well(&home);
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
fn a_living_daemon_is_known_when_something_else_stands_in_its_pidfiles_place() {
    for Thing { name, put } in &THINGS {
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
fn a_living_daemon_is_known_when_something_else_stands_in_its_claims_place() {
    for Thing { name, put } in &THINGS {
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
