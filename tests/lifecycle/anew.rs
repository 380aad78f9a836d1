//! `detach = "exec"`: a program with threads is begun anew as a daemon, and all promises of a start hold.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

use crate::home::{Home, Program, Told, catches, eventually, numbers_in};
use crate::reload::{Anew, identity};

const FAILED: &str = "Starting actor ... FAILED\n";
const FOR_EVER: &str = "1h";

/// The actor with a thread, which cannot be forked.
fn actor(home: &Home, role: &str) -> Program {
    home.actor(role).set("ACTOR_THREADS", "").set("ACTOR_DETACH", "exec")
}

fn start(home: &Home, role: &str) -> i32 {
    let told = actor(home, role).run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.read("run/actor.pid").trim_end()), "");
    home.pid()
}

fn stat(pid: i32) -> Vec<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
    let fields = stat.rsplit_once(") ").expect("as in proc(5)").1.split(' ').skip(1);
    fields.map_while(|field| field.parse().ok()).collect()
}

/// What a process has open: how often, without the numbers of the kernel's own things.
fn open(pid: i32) -> BTreeMap<String, usize> {
    let mut open = BTreeMap::new();
    for fd in numbers_in(&format!("/proc/{pid}/fd")) {
        let target = fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default();
        let name = target.to_string_lossy().split(':').next().unwrap_or_default().to_owned();
        *open.entry(name).or_default() += 1;
    }
    open
}

#[test]
fn without_it_a_program_with_threads_is_refused_with_the_two_ways_out() {
    let home = Home::new();
    for role in ["threads", "plain"] {
        let error = "error: this process has 2 threads, and a fork would take only one of them along; call the daemon before \
                     any thread is started, or start the program anew with `detach = \"exec\"`\n";
        home.actor(role).set("ACTOR_THREADS", "").run(&["start"]).assert(1, FAILED, error);
        home.assert_nothing_left();
    }
}

#[test]
fn every_action_works_on_a_daemon_that_was_begun_anew() {
    let home = Home::new();
    let pid = start(&home, "ready");
    assert_eq!(home.processes(), [pid]);
    actor(&home, "ready").run(&["start"]).assert(0, "", &format!("warning: actor is already running with pid {pid}\n"));
    assert!(
        actor(&home, "ready").run(&["status"]).stdout.starts_with(&format!("actor -- pid: {pid}, status: running, "))
    );
    let told = actor(&home, "ready").run(&["restart"]);
    assert_ne!(home.pid(), pid);
    told.assert(0, &format!("Stopping actor ... OK\nStarting actor ... OK (pid {})\n", home.pid()), "");
    actor(&home, "ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"; 2]);
}

#[test]
fn it_is_a_clean_process_as_any_other_daemon() {
    let home = Home::new();
    let launcher = actor(&home, "ready").spawn(&["start"]);
    let launcher_pid = i32::try_from(launcher.id()).expect("a pid");
    assert_eq!(Told::of(launcher).code, 0);
    let pid = home.pid();
    let fields = stat(pid);
    let (parent, session, terminal) = (fields[0], fields[2], fields[3]);
    assert!(parent != launcher_pid && parent != getpid().as_raw() && parent != session, "{fields:?}");
    assert!(session != pid && session != launcher_pid && terminal == 0, "{fields:?}");
    eventually("the session leader's end", || !numbers_in("/proc").contains(&session));
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).expect("it is ours"), std::path::Path::new("/"));
}

#[test]
fn it_has_open_what_a_forked_daemon_has() {
    let opened = |detach: &str| {
        let home = Home::new();
        assert_eq!(home.actor("ready").set("ACTOR_DETACH", detach).run(&["start"]).code, 0);
        let path = home.path("").display().to_string();
        let open = open(home.pid());
        open.into_iter().map(|(name, count)| (name.replace(&path, "~/"), count)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(opened("exec"), opened("true"));
}

#[test]
fn a_child_of_the_daemon_has_nothing_of_the_handover() {
    let home = Home::new();
    let daemon = home.cast(env!("CARGO_BIN_EXE_anew").as_ref(), "child").set("ACTOR_DETACH", "exec");
    assert_eq!(daemon.run(&["start"]).code, 0);
    let child: i32 = home.lines("notes")[0].strip_prefix("child ").and_then(|pid| pid.parse().ok()).expect("a pid");
    eventually("its own program", || {
        fs::read(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep"))
    });
    let mut open = numbers_in(&format!("/proc/{child}/fd"));
    open.sort_unstable();
    assert_eq!(open, [0, 1, 2]);
    let environ = fs::read_to_string(format!("/proc/{child}/environ")).expect("it is ours");
    let leaked: Vec<_> = environ.split('\0').filter(|variable| variable.starts_with("DAEMON_")).collect();
    assert!(leaked.iter().all(|variable| variable.starts_with("DAEMON_TEST_HOME=")), "{leaked:?}");
}

#[test]
fn every_early_end_is_told_as_after_a_fork_and_leaves_nothing() {
    let ended = |signal: &str| format!("error: {signal} ended the daemon before it was ready\n");
    let exited = |code: u8| format!("error: the worker ended with exit code {code} before it was ready\n");
    let written = "error: no such luck\nwhat it wrote to stderr:\n  words on stderr\n".to_owned();
    let rows = [
        ("fails", 1, "error: no such luck\n".to_owned()),
        ("complains", 1, written),
        ("exits:42", 42, exited(42)),
        ("aborts", 134, ended("SIGABRT (6)")),
        ("dies:SIGKILL", 137, ended("SIGKILL (9)")),
        ("dies:SIGHUP", 129, ended("SIGHUP (1)")),
    ];
    for (role, code, stderr) in rows {
        for ready in ["auto", "notify"] {
            let home = Home::new();
            let actor = actor(&home, role).set("ACTOR_READY", ready).set("ACTOR_SETTLE", FOR_EVER);
            actor.run(&["start"]).assert(code, FAILED, &stderr);
            home.assert_nothing_left();
        }
    }
}

#[test]
fn the_program_s_own_threads_keep_what_they_open_in_the_session_leader() {
    let home = Home::new();
    let busy = actor(&home, "exits-on-go:7").set("ACTOR_BUSY", "").set("ACTOR_READY", "notify").spawn(&["start"]);
    let rounds = |pid: i32| home.lines("notes").iter().filter(|line| **line == format!("busy {pid}")).count();
    eventually("the daemon", || home.pidfile().exists() && rounds(home.pid()) > 0);
    let leader = *stat(home.pid()).first().expect("its parent");
    // Long after it has let go of what is the daemon's.
    let so_far = rounds(leader);
    eventually("the leader's thread", || rounds(leader) > so_far + 3);
    home.go();
    Told::of(busy).assert(7, FAILED, "error: the worker ended with exit code 7 before it was ready\n");
    home.assert_nothing_left();
}

#[test]
fn a_panic_is_told_and_an_end_without_ready_is_what_it_is() {
    let home = Home::new();
    let told = actor(&home, "panics").set("ACTOR_SETTLE", FOR_EVER).run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, FAILED));
    assert!(
        told.stderr.starts_with("error: the worker panicked: the sky is falling (tests/fixtures/actor.rs:"),
        "{told:?}"
    );
    home.assert_nothing_left();
    actor(&home, "ends").set("ACTOR_SETTLE", FOR_EVER).run(&["start"]).assert(0, "Starting actor ... OK (ended)\n", "");
    home.assert_nothing_left();
    let never = "error: the worker ended without ever calling `ready()`\n";
    actor(&home, "ends").set("ACTOR_READY", "notify").run(&["start"]).assert(1, FAILED, never);
    home.assert_nothing_left();
}

#[test]
fn what_comes_before_the_daemon_in_the_program_and_fails_in_another_image_is_told() {
    // The second image is the session leader, and the third the daemon.
    let gone = "error: the daemon ended, or let go of its claim, before it was ready and without a word\n";
    let exited = "error: the worker ended with exit code 5 before it was ready\n";
    for (image, code, error) in [("2", 1, gone), ("3", 5, exited)] {
        let home = Home::new();
        let program = home.cast(env!("CARGO_BIN_EXE_anew").as_ref(), "").set("ACTOR_DETACH", "exec");
        let told = program.set("ACTOR_FATAL", image).run(&["start"]);
        told.assert(code, FAILED, &format!("{error}what it wrote to stderr:\n  no prelude today\n"));
        home.assert_nothing_left();
    }
}

#[test]
fn the_hooks_are_called_once_each_and_in_the_order_of_a_forked_start() {
    let called = |detach: &str| {
        let home = Home::new();
        let program = home.cast(env!("CARGO_BIN_EXE_anew").as_ref(), "").set("ACTOR_DETACH", detach);
        assert_eq!(program.set("ACTOR_HOOKS", "").run(&["start"]).code, 0);
        home.lines("notes")
    };
    let (forked, begun) = (called("true"), called("exec"));
    assert_eq!(forked.len(), 20, "{forked:?}");
    assert_eq!(begun, forked);
}

/// A start whose daemon is there and waits to be let go.
fn unfinished(home: &Home) -> (Child, i32) {
    let launcher = actor(home, "ready-on-go").set("ACTOR_READY", "notify").spawn(&["start"]);
    eventually("the daemon", || home.pidfile().exists() && catches(home.pid(), Signal::SIGTERM));
    (launcher, home.pid())
}

#[test]
fn a_daemon_that_is_never_ready_is_ended_in_time() {
    let home = Home::new();
    let late = actor(&home, "ready-on-go").set("ACTOR_READY", "notify").run(&["start", "--timeout", "300ms"]);
    let error =
        "error: the daemon was not ready within 300ms, and was ended; `--timeout` or `start_timeout` gives it longer\n";
    late.assert(1, FAILED, error);
    home.assert_nothing_left();
}

#[test]
fn an_interrupt_ends_the_start_and_all_of_it() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let home = Home::new();
        let (launcher, _) = unfinished(&home);
        kill(Pid::from_raw(i32::try_from(launcher.id()).expect("a pid")), signal).expect("it is our child");
        let error =
            format!("error: the start was interrupted by {signal} ({}), and the daemon was ended\n", signal as i32);
        Told::of(launcher).assert(code, FAILED, &error);
        home.assert_nothing_left();
    }
}

#[test]
fn a_launcher_that_is_killed_leaves_a_daemon_that_is_one() {
    let home = Home::new();
    let (mut launcher, pid) = unfinished(&home);
    launcher.kill().expect("it is our child");
    launcher.wait().expect("it is our child");
    home.go();
    let status = || actor(&home, "ready").run(&["status", "--fields", "pid"]);
    eventually("a daemon alone", || home.processes() == [pid]);
    status().assert(0, &format!("actor -- pid: {pid}\n"), "");
    actor(&home, "ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn a_launcher_that_is_killed_at_any_moment_leaves_a_true_state() {
    for round in 0..20_u32 {
        let home = Home::new();
        let mut launcher = actor(&home, "lone:ready").spawn(&["start"]);
        // Later and later, through all of the start.
        std::thread::sleep(std::time::Duration::from_millis(u64::from(round)));
        let _ = launcher.kill();
        launcher.wait().expect("it is our child");
        eventually("status and the processes to agree", || {
            let told = actor(&home, "ready").run(&["status", "--fields", "pid"]);
            match home.processes().as_slice() {
                [] => [1, 3].contains(&told.code),
                [pid] => told.code == 0 && told.stdout == format!("actor -- pid: {pid}\n"),
                _ => false,
            }
        });
        assert_eq!(actor(&home, "lone:ready").run(&["start"]).code, 0);
        home.assert_never_two();
        actor(&home, "ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        home.assert_nothing_left();
    }
}

#[test]
fn of_twenty_starts_one_has_started_it_and_all_tell_the_truth() {
    let home = Home::new();
    let starts: Vec<_> = (0..20).map(|_| actor(&home, "lone:ready").spawn(&["start"])).collect();
    let told: Vec<_> = starts.into_iter().map(Told::of).collect();
    let pid = home.pid();
    let started = (0, format!("Starting actor ... OK (pid {pid})\n"), String::new());
    let found = (0, String::new(), format!("warning: actor is already running with pid {pid}\n"));
    let answers: Vec<_> = told.into_iter().map(|told| (told.code, told.stdout, told.stderr)).collect();
    assert_eq!(answers.iter().filter(|answer| **answer == started).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| [&started, &found].contains(&answer)), "{answers:?}");
    home.assert_never_two();
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn it_can_be_reloaded_as_any_other_daemon() {
    let anew = Anew::new();
    let program = || anew.program("").set("ACTOR_DETACH", "exec").set("ACTOR_THREADS", "");
    assert_eq!(program().run(&["start", "--tone", "a"]).code, 0);
    let pid = anew.home.pid();
    let before = identity(&anew.home, pid);
    (0..5).for_each(|_| anew.reload(pid));
    assert_eq!(identity(&anew.home, pid), before);
    let words = format!("{pid} a {:?}", ["start", "--tone", "a"]);
    assert!(anew.images().len() == 6 && anew.images().iter().all(|(_, rest)| *rest == words), "{:?}", anew.images());
    program().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    anew.home.assert_nothing_left();
    assert_eq!(anew.home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}
