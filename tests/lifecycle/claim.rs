//! A pidfile of the program's own: the claim first, then whatever the program becomes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, eventually, is_over, numbers_in};

/// The program of `tests/fixtures/claimant.rs`, which does what it is told.
struct Claimant {
    child: Child,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Claimant {
    fn of(home: &Home) -> Self {
        Self::with(program(home))
    }

    fn with(mut program: Program) -> Self {
        program.0.stdin(Stdio::piped());
        let mut child = program.spawn(&[]);
        let (words, answers) = (child.stdin.take(), child.stdout.take());
        Self { child, words: words.expect("a pipe"), answers: BufReader::new(answers.expect("a pipe")) }
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    fn say(&mut self, words: &str) {
        writeln!(self.words, "{words}").expect("it listens");
    }

    /// What it answers; nothing if it has ended instead.
    fn hear(&mut self) -> String {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("text");
        answer.trim_end().to_owned()
    }

    fn asked(&mut self, words: &str) -> String {
        self.say(words);
        self.hear()
    }

    /// Does these, with what each comes to.
    #[track_caller]
    fn does(&mut self, rows: &[(&str, &str)]) {
        for (words, answer) in rows {
            assert_eq!(self.asked(words), *answer, "{words}");
        }
    }

    fn dies(mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }
}

impl Drop for Claimant {
    fn drop(&mut self) {
        // One that has ended already was waited for or is waited for here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(home: &Home) -> Program {
    home.cast(Path::new(env!("CARGO_BIN_EXE_claimant")), "")
}

#[test]
fn acquired_sealed_and_released_it_is_seen_as_that_from_both_sides() {
    let home = Home::new();
    let (mut holder, mut other) = (Claimant::of(&home), Claimant::of(&home));
    let pid = holder.pid();
    let (number, running) = (format!("Some({pid}) active"), format!("already running {pid}"));
    holder.does(&[("look", "None"), ("acquire", "mine"), ("acquire", "mine"), ("look", "None active mine")]);
    other.does(&[("look", "None active"), ("acquire", "held"), ("seal", "held")]);
    holder.does(&[("seal", "sealed"), ("look", &format!("{number} mine"))]);
    assert_eq!(home.pid(), pid);
    other.does(&[
        ("look", &number),
        ("acquire", &running),
        ("seal", &running),
        ("release", "released"),
        ("look", &number),
    ]);
    holder.does(&[("release", "released"), ("release", "released"), ("look", "None")]);
    assert_eq!(home.run_names(), Vec::<String>::new());
    other.does(&[("seal", "sealed")]);
    assert_eq!(home.pid(), other.pid());
    holder.does(&[("acquire", &format!("already running {}", other.pid()))]);
}

#[test]
fn sealed_it_is_the_daemon_that_status_and_stop_find() {
    let home = Home::new();
    let mut holder = Claimant::of(&home);
    holder.does(&[("seal", "sealed")]);
    let pid = holder.pid();
    let actor = |word: &str| home.actor("ready").run(&[word]);
    assert!(actor("status").stdout.starts_with(&format!("actor -- pid: {pid}, status: running, ")));
    actor("start").assert(0, "", &format!("warning: actor is already running with pid {pid}\n"));
    actor("stop").assert(0, "Stopping actor ... OK\n", "");
    assert!(is_over(pid));
    // A signal that nothing handled has left the pidfile behind, and the stop has cleared it away.
    assert_eq!((actor("status").code, home.run_names()), (3, Vec::new()));
}

#[test]
fn while_it_is_acquired_and_not_sealed_nobody_else_can_start() {
    let home = Home::new();
    let mut holder = Claimant::of(&home);
    holder.does(&[("acquire", "mine")]);
    let told = home.actor("ready").run(&["start", "--timeout", "200ms"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Starting actor ... FAILED\n"));
    let claim = home.path("run/actor.pid.claim");
    let told_of = format!("error: pid {} has held {} for ", holder.pid(), claim.display());
    assert!(told.stderr.starts_with(&told_of), "{told:?}");
    assert_eq!(home.processes(), [holder.pid()]);
    holder.does(&[("release", "released")]);
    assert_eq!(home.actor("ready").run(&["start"]).code, 0);
}

/// Waits until somebody is at it: the folder of the pidfile is open while the claim is waited for.
fn await_waiting(home: &Home, pid: i32) {
    let folder = format!("/proc/{pid}/fd");
    let is_folder = |fd| fs::read_link(format!("{folder}/{fd}")).is_ok_and(|path| path == home.path("run"));
    eventually("somebody who waits", || numbers_in(&folder).into_iter().any(is_folder));
}

#[test]
fn an_acquire_with_a_timeout_gets_what_is_let_go_of_in_time() {
    for (held, end) in
        [("acquire", "release"), ("seal", "release"), ("acquire", "drop"), ("seal", "drop"), ("seal", "exit")]
    {
        let home = Home::new();
        let (mut holder, mut other) = (Claimant::of(&home), Claimant::of(&home));
        holder.asked(held);
        other.say("acquire 3600000");
        await_waiting(&home, other.pid());
        holder.say(end);
        assert_eq!(other.hear(), "mine", "{held}, {end}");
        other.does(&[("seal", "sealed")]);
        assert_eq!(home.pid(), other.pid());
    }
}

#[test]
fn an_acquire_with_a_timeout_gives_up_on_who_does_not_let_go_and_not_before() {
    for (held, answer) in [("acquire", "held"), ("seal", "already running N")] {
        let home = Home::new();
        let (mut holder, mut other) = (Claimant::of(&home), Claimant::of(&home));
        holder.asked(held);
        let begun = Instant::now();
        assert_eq!(other.asked("acquire 300"), answer.replace('N', &holder.pid().to_string()));
        assert!(begun.elapsed() >= Duration::from_millis(300));
    }
}

#[test]
fn dropped_it_is_free_and_a_child_that_drops_it_changes_nothing() {
    let home = Home::new();
    let (mut holder, mut other) = (Claimant::of(&home), Claimant::of(&home));
    for held in ["acquire", "seal"] {
        holder.asked(held);
        let (seen, own) = (other.asked("look"), holder.asked("look"));
        holder.does(&[("fork", "forked"), ("look", &own)]);
        other.does(&[("look", &seen)]);
        assert!(own.ends_with(" active mine") && !seen.ends_with("mine"), "{seen}, {own}");
    }
    holder.does(&[("drop", "dropped"), ("look", "None")]);
    assert_eq!(home.run_names(), Vec::<String>::new());
    other.does(&[("acquire", "mine")]);
}

#[test]
fn a_holder_that_is_killed_leaves_it_stale_and_the_next_one_gets_it() {
    let home = Home::new();
    let mut holder = Claimant::of(&home);
    holder.does(&[("seal", "sealed")]);
    let pid = holder.pid();
    holder.dies();
    let mut other = Claimant::of(&home);
    other.does(&[("look", &format!("Some({pid}) stale")), ("acquire", "mine"), ("seal", "sealed")]);
    assert_eq!(home.pid(), other.pid());
    other.dies();
    // Not sealed, it leaves nothing that anybody could take for a daemon.
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    let mut holder = Claimant::of(&home);
    holder.does(&[("acquire", "mine")]);
    holder.dies();
    let mut next = Claimant::of(&home);
    next.does(&[("look", "None"), ("seal", "sealed")]);
    assert_eq!(home.pid(), next.pid());
}

#[test]
fn handed_to_a_daemon_it_is_sealed_by_the_daemon() {
    let home = Home::new();
    let mut caller = Claimant::of(&home);
    caller.does(&[("acquire", "mine")]);
    let answer = caller.asked("start");
    let pid = home.pid();
    assert_eq!(answer, format!("ready {pid}"));
    assert_ne!(pid, caller.pid());
    caller.does(&[("look", &format!("Some({pid}) active")), ("acquire", &format!("already running {pid}"))]);
    home.actor("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    assert_eq!(home.run_names(), Vec::<String>::new());
    caller.does(&[("look", "None"), ("acquire", "mine")]);
}

#[test]
fn one_that_was_sealed_already_is_refused_and_released() {
    let home = Home::new();
    for action in ["start", "foreground", "detach"] {
        let mut caller = Claimant::of(&home);
        caller.does(&[("seal", "sealed")]);
        let refusal = caller.asked(action);
        assert!(refusal.ends_with(" cannot be: it is sealed already: this process is its daemon"), "{refusal}");
        caller.does(&[("look", "None"), ("acquire", "mine")]);
        assert_eq!(home.read("last-words"), "");
    }
}

#[test]
fn the_end_of_the_caller_that_has_handed_it_on_does_not_release_it() {
    let home = Home::new();
    let mut caller = Claimant::of(&home);
    caller.does(&[("acquire", "mine")]);
    assert!(caller.asked("start").starts_with("ready "));
    drop(caller);
    let pid = home.pid();
    home.actor("ready").run(&["status", "--fields", "pid"]).assert(0, &format!("actor -- pid: {pid}\n"), "");
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    home.assert_nothing_left();
}

#[test]
fn handed_to_a_daemon_that_the_caller_becomes_it_has_the_new_pid() {
    let home = Home::new();
    let mut caller = Claimant::of(&home);
    caller.does(&[("acquire", "mine")]);
    caller.say("detach");
    let launcher = caller.pid();
    assert_eq!(caller.child.wait().expect("it is our child").code(), Some(0));
    let pid = home.pid();
    assert_ne!(pid, launcher);
    home.actor("ready").run(&["status", "--fields", "pid"]).assert(0, &format!("actor -- pid: {pid}\n"), "");
    home.actor("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn handed_to_a_daemon_in_the_foreground_it_is_released_when_that_is_closed() {
    let home = Home::new();
    let mut caller = Claimant::of(&home);
    let pid = caller.pid();
    caller.does(&[("acquire", "mine"), ("foreground", &format!("daemon {pid}"))]);
    caller.does(&[("look", &format!("Some({pid}) active mine"))]);
    assert_eq!(home.pid(), pid);
    caller.does(&[("close", "closed"), ("look", "None")]);
    assert_eq!(home.run_names(), Vec::<String>::new());
    assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"]);
}

#[test]
fn a_start_with_a_pidfile_timeout_waits_for_the_end_of_the_daemon_that_runs() {
    let home = Home::new();
    let daemon = |role: &str| home.cast(Path::new(env!("CARGO_BIN_EXE_anew")), role);
    assert_eq!(daemon("").run(&["start"]).code, 0);
    let first = home.pid();
    let begun = Instant::now();
    let told = daemon("").set("ACTOR_PIDFILE_TIMEOUT", "300ms").run(&["start"]);
    told.assert(0, "", &format!("warning: actor is already running with pid {first}\n"));
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let waiting = daemon("").set("ACTOR_PIDFILE_TIMEOUT", "1h").spawn(&["start"]);
    await_waiting(&home, i32::try_from(waiting.id()).expect("a pid"));
    kill(Pid::from_raw(first), Signal::SIGTERM).expect("it is there");
    let told = Told::of(waiting);
    let second = home.pid();
    told.assert(0, &format!("Starting actor ... OK (pid {second})\n"), "");
    assert_ne!(first, second);
    assert_eq!(home.processes(), [second]);
}
