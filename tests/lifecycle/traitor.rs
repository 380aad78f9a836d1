//! A daemon that dropped root turns against root by all that it has been given: nobody else is signalled, no file elsewhere
//! is changed, what root is told is true, and root gets rid of it. Needs root.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::home::{Home, NOBODY, Program, Told, eventually, is_over, is_root};
use crate::hostile::{Innocent, assert_all_is_well};

pub fn traitor(home: &Home, trick: &str) -> Program {
    home.cast(Path::new(env!("CARGO_BIN_EXE_traitor")), "").set("ACTOR_TRICK", trick).set("ACTOR_USER", "nobody")
}

/// One that has been started, and has played its trick or is about to.
#[track_caller]
fn start(home: &Home, program: Program) -> i32 {
    let told = program.run(&["start"]);
    let pid = told.stdout.trim_end().trim_end_matches(')').rsplit(' ').next().and_then(|number| number.parse().ok());
    let pid = pid.unwrap_or_else(|| panic!("{told:?}"));
    told.assert(0, &format!("Starting actor ... OK (pid {pid})\n"), "");
    home.go();
    pid
}

#[track_caller]
fn assert_killed(told: &Told) {
    assert_eq!((told.code, told.stdout.as_str()), (0, "Stopping actor ... OK\n"), "{told:?}");
    assert!(told.stderr.starts_with("warning: pid ") && told.stderr.ends_with(", and was killed\n"), "{told:?}");
}

#[track_caller]
fn assert_gone(home: &Home) {
    eventually("every process to be gone", || home.processes().is_empty());
    assert_all_is_well(home);
}

/// Tricks of one that goes on vouching for itself, with what the file of a stranger's number would make of them.
const OPEN: [&str; 8] = [
    "writes",
    "overfills",
    "empties",
    "locks-as-a-file",
    "reads-as-a-file",
    "locks-as-a-process",
    "lets-go",
    "loses-its-witness",
];

#[test]
fn whatever_it_writes_or_locks_by_what_it_has_open_it_is_known_and_stopped_and_nobody_else() {
    if !is_root("whatever_it_writes_or_locks_by_what_it_has_open_it_is_known_and_stopped_and_nobody_else") {
        return;
    }
    for trick in OPEN {
        let home = Home::new();
        let mut innocent = Innocent::new();
        let program = || traitor(&home, trick).set("ACTOR_VICTIM", innocent.pid().to_string());
        let pid = start(&home, program());
        let told = program().run(&["status", "--fields", "status,pid"]);
        told.assert(0, &format!("actor -- status: running, pid: {pid}\n"), "");
        let warning = format!("warning: actor is already running with pid {pid}\n");
        program().run(&["start", "--timeout", "300ms"]).assert(0, "", &warning);
        let told = program().run(&["reload"]);
        assert_eq!(told.code, 3, "{trick}: {told:?}");
        program().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        assert!(is_over(pid), "{trick}");
        innocent.assert_alive();
        assert_gone(&home);
    }
}

#[test]
fn one_that_does_not_listen_is_killed_and_nobody_else() {
    if !is_root("one_that_does_not_listen_is_killed_and_nobody_else") {
        return;
    }
    for trick in OPEN {
        let home = Home::new();
        let mut innocent = Innocent::new();
        let victim = innocent.pid().to_string();
        let program = || traitor(&home, trick).set("ACTOR_VICTIM", &victim).set("ACTOR_DEAF", "");
        let pid = start(&home, program());
        let told = program().run(&["stop", "--timeout", "300ms"]);
        assert_eq!((told.code, told.stdout.as_str()), (1, "Stopping actor ... FAILED\n"), "{trick}");
        assert!(
            told.stderr.starts_with(&format!("error: pid {pid} is still running after 300ms; `--force` ")),
            "{told:?}"
        );
        let told = program().run(&["stop", "--force", "--timeout", "0"]);
        assert_eq!((told.code, told.stdout.as_str()), (0, "Stopping actor ... OK\n"), "{trick}: {told:?}");
        innocent.assert_alive();
        assert_gone(&home);
    }
}

#[test]
fn a_child_that_it_leaves_with_its_claim_is_named_and_killed_by_force() {
    if !is_root("a_child_that_it_leaves_with_its_claim_is_named_and_killed_by_force") {
        return;
    }
    let home = Home::new();
    let program = || traitor(&home, "leaves-a-child");
    let pid = start(&home, program());
    eventually("its end", || is_over(pid));
    eventually("its child to be alone", || home.processes().len() == 1);
    let child = home.processes()[0];
    let why = format!("its claim is held by pid {child}, which does not vouch for it");
    program().run(&["status"]).assert(4, &format!("actor -- cannot tell whether it is running ({why})\n"), "");
    let told = program().run(&["start", "--timeout", "300ms"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Starting actor ... FAILED\n"), "{told:?}");
    assert!(told.stderr.contains(&format!("pid {child}")), "{told:?}");
    let told = program().run(&["stop", "--timeout", "300ms"]);
    assert_eq!(told.code, 4, "{told:?}");
    assert!(told.stderr.contains(&why) && told.stderr.contains("`--force` "), "{told:?}");
    assert_killed(&program().run(&["stop", "--force", "--timeout", "300ms"]));
    assert_gone(&home);
}

#[test]
fn a_daemon_that_is_another_process_each_time_is_not_told_to_be_stopped_until_it_is() {
    if !is_root("a_daemon_that_is_another_process_each_time_is_not_told_to_be_stopped_until_it_is") {
        return;
    }
    let home = Home::new();
    let program = || traitor(&home, "hops");
    let pid = start(&home, program());
    eventually("its first hop", || is_over(pid));
    let told = program().run(&["status", "--fields", "status"]);
    assert!([0, 4].contains(&told.code), "{told:?}");
    let told = program().run(&["stop", "--timeout", "1s"]);
    assert!(told.code != 0 || home.processes().is_empty(), "{told:?}");
    if told.code != 0 {
        assert!(told.stderr.contains("`--force` "), "{told:?}");
        assert_killed(&program().run(&["stop", "--force", "--timeout", "1s"]));
    }
    assert_gone(&home);
}

/// Somebody to whom the claim is passed on, or who has a certain number. What it says comes line by line.
struct Other {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Other {
    fn of_root(words: &[&str]) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_traitor")), words)
    }

    fn of(mut command: Command, words: &[&str]) -> Self {
        let mut child = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn whoever_is_handed_its_claim_is_named_but_not_signalled() {
    if !is_root("whoever_is_handed_its_claim_is_named_but_not_signalled") {
        return;
    }
    let home = Home::new();
    let socket = home.path("socket");
    let socket = socket.to_str().expect("text");
    let mut service = Other::of_root(&["receive", socket, "keeps"]);
    assert_eq!(service.hear(), "listens");
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).expect("ours");
    let number = service.child.id().to_string();
    let program = || traitor(&home, "passes-on").set("ACTOR_SOCKET", socket).set("ACTOR_VICTIM", &number);
    let pid = start(&home, program());
    assert_eq!(service.hear(), "has it");
    eventually("its end", || is_over(pid));
    let told = program().run(&["status"]);
    assert!(told.code == 4 && told.stdout.contains(&format!("pid {number} ")), "{told:?}");
    for words in [&["stop", "--timeout", "0"][..], &["stop", "--force", "--timeout", "0"], &["reload"]] {
        let told = program().run(words);
        assert!(told.code == 4 && told.stderr.contains(&format!("pid {number} ")), "{words:?}: {told:?}");
        assert!(service.is_alive(), "{words:?}");
    }
    let told = program().run(&["start", "--timeout", "300ms"]);
    assert!(told.code != 0 && told.stderr.contains(&format!("pid {number} ")), "{told:?}");
    drop(service);
    assert_gone(&home);
}

#[test]
fn by_force_nobody_else_is_killed_of_a_session_that_is_not_its_own() {
    if !is_root("by_force_nobody_else_is_killed_of_a_session_that_is_not_its_own") {
        return;
    }
    let home = Home::new();
    let socket = home.path("socket");
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o777)).expect("ours");
    // A session of nobody's, in which somebody has become root.
    let copy = home.as_nobody(Program(Command::new(env!("CARGO_BIN_EXE_traitor"))));
    let script = "sleep 3600 >&2 & setpriv --reuid 65534 --clear-groups \"$1\" receive \"$2\" vouches & exec >&2; wait";
    let mut session = Command::new("setsid");
    session.args(["sh", "-c", script, "sh"]).arg(copy.0.get_program()).arg(&socket);
    let mut session = Other::of(session, &[]);
    assert_eq!(session.hear(), "listens");
    let socket = socket.to_str().expect("text");
    let program = || traitor(&home, "passes-on").set("ACTOR_SOCKET", socket).set("ACTOR_VICTIM", "1");
    start(&home, program());
    assert_eq!(session.hear(), "has it");
    let vouching = || program().run(&["status", "--fields", "pid"]).stdout;
    eventually("the new witness", || vouching().starts_with("actor -- pid: "));
    assert_killed(&program().run(&["stop", "--force", "--timeout", "300ms"]));
    // The shell waits for root's `sleep` still.
    let sleeps =
        Command::new("pgrep").args(["-s", &session.child.id().to_string(), "sleep"]).output().expect("it runs");
    assert!(session.is_alive() && !sleeps.stdout.is_empty());
    for pid in String::from_utf8(sleeps.stdout).expect("text").lines() {
        let pid = nix::unistd::Pid::from_raw(pid.parse().expect("a pid"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("ours");
    }
    assert_gone(&home);
}

#[test]
fn a_stranger_that_has_got_its_number_is_not_signalled_though_its_lock_lives_on() {
    if !is_root("a_stranger_that_has_got_its_number_is_not_signalled_though_its_lock_lives_on") {
        return;
    }
    let home = Home::new();
    let program = || traitor(&home, "shares-its-table");
    // In the foreground it is our child, whose number is free when we have waited for it.
    let child = program().spawn(&["run"]);
    let pid = child.id();
    eventually("the daemon", || program().run(&["status"]).code == 0);
    home.go();
    Told::of_pid(child);
    let mut stranger = Other::of_root(&["number", &pid.to_string()]);
    assert_eq!(stranger.hear(), "has it");
    let told = program().run(&["status"]);
    assert!(told.code == 4 && told.stdout.contains(&format!("the lock names pid {pid}")), "{told:?}");
    for words in [&["stop", "--timeout", "0"][..], &["reload"], &["start", "--timeout", "300ms"]] {
        let told = program().run(words);
        assert!(told.code == 4 && told.stderr.contains(&format!("the lock names pid {pid}")), "{words:?}: {told:?}");
    }
    assert_killed(&program().run(&["stop", "--force", "--timeout", "0"]));
    drop(stranger.child.stdin.take());
    let mut rest = String::new();
    stranger.lines.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "lives\n");
    assert_gone(&home);
}

/// One whose start is not over until it says so. It can take notes.
fn notified(home: &Home, trick: &str) -> Program {
    fs::write(home.path("notes"), "").expect("written");
    fs::set_permissions(home.path("notes"), fs::Permissions::from_mode(0o666)).expect("ours");
    traitor(home, trick).set("ACTOR_READY", "notify")
}

#[test]
fn the_launcher_does_not_end_whom_it_names() {
    if !is_root("the_launcher_does_not_end_whom_it_names") {
        return;
    }
    let home = Home::new();
    let mut innocent = Innocent::new();
    let program = notified(&home, "forges").set("ACTOR_VICTIM", innocent.pid().to_string());
    let told = program.run(&["start", "--timeout", "500ms"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Starting actor ... FAILED\n"), "{told:?}");
    assert!(told.stderr.starts_with("error: the daemon was not ready within 500ms, and was ended"), "{told:?}");
    assert_eq!(home.lines("notes"), ["forged"]);
    innocent.assert_alive();
    home.assert_nothing_left();
}

#[test]
fn the_launcher_does_not_believe_it_that_it_has_ended() {
    if !is_root("the_launcher_does_not_believe_it_that_it_has_ended") {
        return;
    }
    let home = Home::new();
    let start = notified(&home, "says-it-ended").spawn(&["start"]);
    eventually("its word", || home.lines("notes") == ["forged"]);
    home.go();
    let told = Told::of(start);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    traitor(&home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    assert_gone(&home);
}

/// A folder of the daemon's user, in which the pidfile is.
fn of_nobody(home: &Home) {
    std::os::unix::fs::chown(home.path("run"), Some(NOBODY), Some(NOBODY)).expect("root may");
}

#[test]
fn questions_about_a_claim_that_is_another_one_each_time_end() {
    if !is_root("questions_about_a_claim_that_is_another_one_each_time_end") {
        return;
    }
    let home = Home::new();
    of_nobody(&home);
    // Left behind by two others of root's.
    for name in ["actor.pid.claim.1", "actor.pid.claim.2"] {
        fs::write(home.path("run").join(name), "").expect("written");
    }
    let program = || traitor(&home, "flips-its-claim");
    let pid = start(&home, program());
    for words in [&["status"][..], &["reload"], &["start", "--timeout", "300ms"], &["stop", "--timeout", "300ms"]] {
        // What they say depends on the moment, but they say something.
        let told = program().run(words);
        assert!(told.code >= 0, "{words:?}: {told:?}");
    }
    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).uid(NOBODY).output();
    eventually("its end", || home.processes().is_empty());
}
