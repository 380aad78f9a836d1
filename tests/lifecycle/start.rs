//! `start` tells the truth, and at once.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, geteuid};

use crate::home::{Home, Program, Told, eventually, is_over};

pub const FAILED: &str = "Starting actor ... FAILED\n";

/// What nobody waits for: a start that did would run into the patience of the test.
const FOR_EVER: &str = "1h";

fn ok(home: &Home) -> String {
    // Read as it is, so that a start that failed shows in its own words.
    format!("Starting actor ... OK (pid {})\n", home.read("run/actor.pid").trim_end())
}

pub fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), signal).expect("it is our child");
}

fn mode_of(path: &Path) -> u32 {
    path.metadata().expect("it is there").permissions().mode() & 0o7777
}

/// A start that waits for a readiness that never comes, with a daemon that is there already.
pub fn waiting_start(home: &Home, role: &str) -> Child {
    let launcher = home.actor(role).set("ACTOR_READY", "notify").set("ACTOR_START_TIMEOUT", FOR_EVER).spawn(&["start"]);
    eventually("the pidfile", || home.pidfile().exists());
    launcher
}

/// Has something done in the program's process before the program itself begins.
fn before(mut program: Program, act: impl FnMut() -> io::Result<()> + Send + Sync + 'static) -> Program {
    // SAFETY: what the callers here do between fork and exec are single system calls.
    unsafe { program.0.pre_exec(act) };
    program
}

#[test]
fn a_start_that_works_says_so_and_the_daemon_is_there() {
    let home = Home::new();
    let told = home.actor("ready").run(&["start"]);
    told.assert(0, &ok(&home), "");
    assert_eq!(home.processes(), [home.pid()]);
}

#[test]
fn a_worker_that_fails_is_told_with_its_words_and_leaves_nothing() {
    let home = Home::new();
    home.actor("fails").run(&["start"]).assert(1, FAILED, "error: no such luck\n");
    home.assert_nothing_left();
}

#[test]
fn what_the_worker_wrote_to_stderr_is_shown_also_where_stderr_is_discarded() {
    let home = Home::new();
    let stderr = "error: no such luck\nwhat it wrote to stderr:\n  words on stderr\n";
    home.actor("complains").run(&["start"]).assert(1, FAILED, stderr);
    let log = home.path("log");
    home.actor("complains").set("ACTOR_STDERR", &log).run(&["start"]).assert(1, FAILED, stderr);
    assert_eq!(home.read("log"), "words on stderr\n");
    home.assert_nothing_left();
}

#[test]
fn of_a_flood_on_stderr_the_end_is_shown_and_the_worker_is_not_kept_waiting() {
    let home = Home::new();
    let to_the_log = home.actor("floods").set("ACTOR_STDERR", home.path("log"));
    for program in [home.actor("floods"), to_the_log] {
        let told = program.run(&["start"]);
        assert_eq!((told.code, told.stdout.as_str()), (1, FAILED));
        assert!(told.stderr.starts_with("error: no such luck\nwhat it wrote to stderr:\n  "), "{}", told.stderr);
        assert!(told.stderr.ends_with("\n  line 19999 of many\n  line 20000 of many\n"), "{}", told.stderr);
    }
    assert_eq!(home.lines("log").len(), 20_000);
    home.assert_nothing_left();
}

#[test]
fn every_early_end_is_told_at_once_with_its_own_exit_code_and_leaves_nothing() {
    let ended = |signal: &str| format!("error: {signal} ended the daemon before it was ready\n");
    let exited = |code: u8| format!("error: the worker ended with exit code {code} before it was ready\n");
    let rows = [
        ("fails", 1, "error: no such luck\n".to_owned()),
        ("exits:42", 42, exited(42)),
        ("exits:255", 255, exited(255)),
        ("aborts", 134, ended("SIGABRT (6)")),
        ("dies:SIGKILL", 137, ended("SIGKILL (9)")),
        ("dies:SIGHUP", 129, ended("SIGHUP (1)")),
        ("dies:SIGUSR1", 138, ended("SIGUSR1 (10)")),
        ("dies:SIGALRM", 142, ended("SIGALRM (14)")),
        ("dies:SIGXCPU", 152, ended("SIGXCPU (24)")),
    ];
    for (role, code, stderr) in rows {
        for ready in ["auto", "notify"] {
            let home = Home::new();
            let actor = home.actor(role).set("ACTOR_READY", ready);
            let told = actor.set("ACTOR_SETTLE", FOR_EVER).set("ACTOR_START_TIMEOUT", FOR_EVER).run(&["start"]);
            told.assert(code, FAILED, &stderr);
            home.assert_nothing_left();
        }
    }
}

#[test]
fn a_panic_is_told_with_its_text_and_its_place() {
    let home = Home::new();
    let told = home.actor("panics").set("ACTOR_SETTLE", FOR_EVER).run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, FAILED));
    let (told, written) = told.stderr.split_once("\nwhat it wrote to stderr:\n").expect("both are there");
    assert!(told.starts_with("error: the worker panicked: the sky is falling (tests/fixtures/actor.rs:"), "{told}");
    assert!(written.contains("panicked at tests/fixtures/actor.rs:"), "{written}");
    home.assert_nothing_left();
}

#[test]
fn a_worker_that_ended_well_before_it_was_ready_is_no_failure() {
    for role in ["ends", "exits:0"] {
        let home = Home::new();
        let told = home.actor(role).set("ACTOR_SETTLE", FOR_EVER).run(&["start"]);
        told.assert(0, "Starting actor ... OK (ended)\n", "");
        home.assert_nothing_left();
    }
}

#[test]
fn with_notify_an_end_without_a_word_is_a_failure_however_well_it_was() {
    for role in ["ends", "exits:0"] {
        let home = Home::new();
        let told = home.actor(role).set("ACTOR_READY", "notify").run(&["start"]);
        told.assert(1, FAILED, "error: the worker ended without ever calling `ready()`\n");
        home.assert_nothing_left();
    }
}

#[test]
fn a_daemon_that_is_not_ready_in_time_is_ended_in_order() {
    let late = "error: the daemon was not ready within 200ms, and was ended; \
                `--timeout` or `start_timeout` gives it longer\n";
    let home = Home::new();
    let begun = Instant::now();
    let actor = home.actor("sleeper").set("ACTOR_READY", "notify");
    actor.set("ACTOR_START_TIMEOUT", "200ms").run(&["start"]).assert(1, FAILED, late);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    let actor = home.actor("sleeper").set("ACTOR_READY", "notify").set("ACTOR_START_TIMEOUT", FOR_EVER);
    actor.run(&["start", "--timeout", "200ms"]).assert(1, FAILED, late);
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"; 2]);
}

#[test]
fn a_daemon_that_is_neither_ready_in_time_nor_listens_is_ended_all_the_same() {
    let home = Home::new();
    let actor = home.actor("deaf").set("ACTOR_READY", "notify").set("ACTOR_START_TIMEOUT", "200ms");
    let told = actor.set("ACTOR_STOP_TIMEOUT", "200ms").run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, FAILED));
    assert!(told.stderr.starts_with("error: the daemon was not ready within 200ms, and was ended; "), "{told:?}");
    home.assert_nothing_left();
    assert_eq!(home.read("last-words"), "");
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_begun_with_path_and_reason() {
    let rows = [
        ("PIDFILE", "file/actor.pid", "cannot open the folder HOME/file: Not a directory"),
        ("PIDFILE", "file/deeper/actor.pid", "cannot open the folder HOME/file/deeper: Not a directory"),
        ("WORKDIR", "missing", "cannot enter the working directory HOME/missing: No such file or directory"),
        ("WORKDIR", "file", "cannot enter the working directory HOME/file: Not a directory"),
        ("STDIN", "missing", "cannot open HOME/missing for stdin: No such file or directory"),
        ("STDOUT", "file/log", "cannot open HOME/file/log for stdout: Not a directory"),
        ("STDOUT", "run", "cannot open HOME/run for stdout: Is a directory"),
        ("STDERR", "file/log", "cannot open HOME/file/log for stderr: Not a directory"),
    ];
    for (key, path, reason) in rows {
        let home = Home::new();
        fs::write(home.path("file"), "").expect("written");
        let told = home.actor("ready").set(&format!("ACTOR_{key}"), home.path(path)).run(&["start"]);
        let reason = reason.replace("HOME", home.path("").to_str().expect("text").trim_end_matches('/'));
        told.assert(1, FAILED, &format!("error: {reason}\n"));
        home.assert_nothing_left();
        assert_eq!((home.read("file"), home.read("last-words")), (String::new(), String::new()));
    }
}

#[test]
fn lacking_privilege_has_an_exit_code_of_its_own() {
    let home = Home::new();
    let mut program = home.actor("ready");
    if geteuid().is_root() {
        // Root is refused nothing, so it sends somebody else.
        program = home.as_nobody(program);
    } else {
        fs::set_permissions(home.path("run"), fs::Permissions::from_mode(0o555)).expect("it is ours");
    }
    let reason = format!("error: cannot lock {}.claim: Permission denied\n", home.pidfile().display());
    program.run(&["start"]).assert(4, FAILED, &reason);
    home.assert_nothing_left();
}

#[test]
fn a_process_with_threads_is_refused_with_their_number() {
    let home = Home::new();
    let told = home.actor("threads").run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, FAILED));
    assert!(told.stderr.starts_with("error: this process has 2 threads, "), "{}", told.stderr);
    home.assert_nothing_left();
}

#[test]
fn on_start_may_refuse_and_is_heard_before_anything_is_begun() {
    let home = Home::new();
    let actor = home.actor("ready").set("ACTOR_ON_START", "refuse").set("ACTOR_PIDFILE", home.path("new/actor.pid"));
    actor.run(&["start"]).assert(1, FAILED, "error: on_start refused: the stars are not right\n");
    assert!(!home.path("new").exists());
    home.assert_nothing_left();
}

#[test]
fn on_start_is_called_once_and_not_where_the_daemon_runs_already() {
    let home = Home::new();
    for _ in 0..2 {
        assert_eq!(home.actor("ready").set("ACTOR_ON_START", "note").run(&["start"]).code, 0);
    }
    assert_eq!(home.lines("notes"), ["on_start"]);
}

#[test]
fn a_worker_that_says_nothing_is_ready_when_it_has_lived_for_settle() {
    let home = Home::new();
    let begun = Instant::now();
    let told = home.actor("sleeper").set("ACTOR_SETTLE", "300ms").run(&["start"]);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    told.assert(0, &ok(&home), "");
}

#[test]
fn nobody_waits_for_settle_when_the_daemon_says_that_it_is_ready() {
    for role in ["ready", "ticks"] {
        let home = Home::new();
        home.actor(role).set("ACTOR_SETTLE", FOR_EVER).run(&["start"]).assert(0, &ok(&home), "");
    }
}

#[test]
fn a_first_tick_that_fails_makes_nobody_ready_and_the_next_good_one_does() {
    let home = Home::new();
    let actor = home.actor("ticks").set("ACTOR_TICK", "fails fails well").set("ACTOR_MISSED", "delay");
    actor.set("ACTOR_SETTLE", FOR_EVER).run(&["start"]).assert(0, &ok(&home), "");
    assert_eq!(home.lines("notes")[..3], ["tick 0", "tick 1", "tick 2"]);
}

#[test]
fn a_daemon_that_a_signal_ends_during_its_start_is_told_by_that_signal() {
    // Again and again, because the daemon's end and its word about it hurry from two threads.
    for _ in 0..10 {
        let home = Home::new();
        let launcher = waiting_start(&home, "sleeper");
        kill(Pid::from_raw(home.pid()), Signal::SIGTERM).expect("it is there");
        Told::of(launcher).assert(143, FAILED, "error: SIGTERM (15) ended the daemon before it was ready\n");
        home.assert_nothing_left();
    }
}

#[test]
fn a_daemon_whose_launcher_was_killed_is_known_to_status_and_stop() {
    let home = Home::new();
    let mut launcher = waiting_start(&home, "sleeper");
    launcher.kill().expect("killed");
    launcher.wait().expect("waited for");
    let daemon = home.pid();
    eventually("only the daemon to be left", || home.processes() == [daemon]);
    let told = home.actor("sleeper").run(&["status"]);
    assert_eq!(told.code, 0);
    assert!(told.stdout.starts_with(&format!("actor -- pid: {daemon}, status: running, ")), "{}", told.stdout);
    // The start that nobody waits for any more is over: another one need not wait for it either.
    home.actor("sleeper").set("ACTOR_START_TIMEOUT", FOR_EVER).run(&["start"]).assert(0, "", &already(daemon));
    home.actor("sleeper").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn a_launcher_killed_at_any_moment_leaves_a_daemon_that_is_known_or_nothing() {
    for moment in 0..20 {
        let home = Home::new();
        let mut launcher = home.actor("ready").spawn(&["start"]);
        std::thread::sleep(Duration::from_millis(moment));
        launcher.kill().expect("killed");
        launcher.wait().expect("waited for");
        let is_known = || home.actor("ready").run(&["status"]).code == 0;
        eventually("a daemon that is known, or nothing", || is_known() || home.processes().is_empty());
        assert_eq!(home.actor("ready").run(&["start"]).code, 0, "after {moment} ms");
        eventually("only the daemon to be left", || home.processes() == [home.pid()]);
        home.actor("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        home.assert_nothing_left();
    }
}

/// A start in which the session leader stands still after its fork, while launcher and daemon go on, until it is so.
fn start_with_a_late_leader(program: Program, until: impl FnMut() -> bool) -> Told {
    let launcher = before(program, || ptrace::traceme().map_err(io::Error::from)).spawn(&["start"]);
    let pid = Pid::from_raw(i32::try_from(launcher.id()).expect("a pid"));
    await_stop(pid);
    let leader = child_of(pid);
    ptrace::detach(pid, None).expect("it is stopped");
    let daemon = child_of(leader);
    ptrace::detach(daemon, None).expect("it is stopped");
    eventually("what the daemon does meanwhile", until);
    ptrace::detach(leader, None).expect("it is stopped");
    Told::of(launcher)
}

/// Lets a stopped process go on until it forks; both are stopped then.
fn child_of(pid: Pid) -> Pid {
    ptrace::setoptions(pid, ptrace::Options::PTRACE_O_TRACEFORK).expect("it is stopped");
    loop {
        ptrace::cont(pid, None).expect("it is stopped");
        if let WaitStatus::PtraceEvent(..) = await_stop(pid) {
            break;
        }
    }
    let child = Pid::from_raw(i32::try_from(ptrace::getevent(pid).expect("a fork")).expect("a pid"));
    await_stop(child);
    child
}

fn await_stop(pid: Pid) -> WaitStatus {
    let status = waitpid(pid, Some(WaitPidFlag::__WALL)).expect("it is traced");
    assert!(matches!(status, WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..)), "{status:?}");
    status
}

#[test]
fn a_daemon_may_be_ready_or_at_its_end_before_the_session_leader_has_told_of_it() {
    let home = Home::new();
    let ticks = || home.lines("notes").contains(&"tick 1".to_owned());
    let told = start_with_a_late_leader(home.actor("ticks").set("ACTOR_SETTLE", FOR_EVER), ticks);
    told.assert(0, &ok(&home), "");
    let exited = "error: the worker ended with exit code 42 before it was ready\n";
    for (role, code, stdout, stderr) in [
        ("ends", 0, "Starting actor ... OK (ended)\n", ""),
        ("fails", 1, FAILED, "error: no such luck\n"),
        ("exits:42", 42, FAILED, exited),
    ] {
        let home = Home::new();
        let actor = home.actor(role).set("ACTOR_SETTLE", FOR_EVER);
        start_with_a_late_leader(actor, || !home.read("last-words").is_empty()).assert(code, stdout, stderr);
        home.assert_nothing_left();
    }
}

#[test]
fn a_failure_right_after_ready_is_told_either_at_the_terminal_or_in_the_log() {
    for _ in 0..20 {
        let home = Home::new();
        home.go();
        let told = home.actor("ready-then-fails").set("ACTOR_STDERR", home.path("log")).run(&["start"]);
        home.assert_nothing_left();
        let (at_the_terminal, in_the_log) = (told.stderr.as_str(), home.read("log"));
        match told.code {
            0 => assert_eq!((at_the_terminal, in_the_log.as_str()), ("", "error: too late to tell\n")),
            _ => assert_eq!((at_the_terminal, in_the_log.as_str()), ("error: too late to tell\n", "")),
        }
    }
}

#[test]
fn a_child_from_before_the_start_was_over_goes_on_writing_to_stderr() {
    let home = Home::new();
    home.actor("noisy-parent").run(&["start"]).assert(0, &ok(&home), "");
    let rounds = || home.lines("notes").len();
    let so_far = rounds();
    eventually("more rounds than any pipe could hold", || rounds() > so_far + 3);
}

#[test]
fn after_ready_a_failure_goes_to_the_log_and_the_terminal_hears_no_more() {
    for (role, words) in
        [("ready-then-fails", "error: too late to tell\n"), ("ready-then-panics", "the sky is falling")]
    {
        let home = Home::new();
        let told = home.actor(role).set("ACTOR_STDERR", home.path("log")).run(&["start"]);
        told.assert(0, &ok(&home), "");
        home.go();
        home.assert_nothing_left();
        assert!(home.read("log").contains(words), "{}", home.read("log"));
        assert_eq!(home.read("log").matches(words.trim_end()).count(), 1);
    }
}

#[test]
fn stdin_is_read_and_stdout_and_stderr_may_share_a_log() {
    let home = Home::new();
    fs::write(home.path("in"), "words").expect("written");
    fs::write(home.path("log"), "from before\n").expect("written");
    let actor = home.actor("copies-stdin").set("ACTOR_STDIN", home.path("in"));
    let told = actor.set("ACTOR_STDOUT", home.path("log")).set("ACTOR_STDERR", home.path("log")).run(&["start"]);
    told.assert(0, &ok(&home), "");
    assert_eq!(home.read("log"), "from before\nstdout: words\nstderr: words\n");
}

/// The actor `ready` with a log, launched under a umask.
fn under_umask(home: &Home, mask: u32) -> Program {
    let actor = home.actor("ready").set("ACTOR_STDOUT", home.path("log"));
    before(actor, move || {
        umask(Mode::from_bits_truncate(mask));
        Ok(())
    })
}

#[test]
fn the_modes_of_log_and_pidfile_do_not_depend_on_the_launchers_umask() {
    for mask in [0o000, 0o077, 0o777] {
        let home = Home::new();
        under_umask(&home, mask).run(&["start"]).assert(0, &ok(&home), "");
        let modes = [home.path("log"), home.pidfile()].map(|path| format!("{:o}", mode_of(&path)));
        assert_eq!(modes, ["640", "644"], "with umask {mask:o}");
        under_umask(&home, mask).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        home.assert_nothing_left();
    }
}

#[test]
fn the_mode_of_the_claim_does_not_depend_on_the_launchers_umask_or_a_crash_would_lock_us_out() {
    for mask in [0o000, 0o077, 0o777] {
        let home = Home::new();
        under_umask(&home, mask).run(&["start"]).assert(0, &ok(&home), "");
        let mode = mode_of(&home.path("run/actor.pid.claim"));
        let crashed = home.pid();
        kill(Pid::from_raw(crashed), Signal::SIGKILL).expect("it is there");
        eventually("its end", || is_over(crashed));
        under_umask(&home, mask).run(&["start"]).assert(0, &ok(&home), "");
        assert_eq!(format!("{mode:o}"), "600", "with umask {mask:o}");
    }
}

fn already(pid: i32) -> String {
    format!("warning: actor is already running with pid {pid}\n")
}

#[test]
fn a_second_start_warns_succeeds_and_changes_nothing() {
    let home = Home::new();
    assert_eq!(home.actor("ready").run(&["start"]).code, 0);
    let pid = home.pid();
    home.actor("ready").run(&["start"]).assert(0, "", &already(pid));
    assert_eq!((home.pid(), home.processes()), (pid, vec![pid]));
}

#[test]
fn a_terminal_that_is_gone_does_not_keep_a_daemon_from_starting() {
    let home = Home::new();
    let (reader, broken) = io::pipe().expect("a pipe");
    drop(reader);
    let broken = move || nix::unistd::dup2_stdout(&broken).map_err(io::Error::from);
    let closed = |fd| move || nix::unistd::close(fd).map_err(io::Error::from);
    let starts = [
        before(home.actor("ready"), broken),
        before(home.actor("ready"), closed(1)),
        before(before(before(home.actor("ready"), closed(0)), closed(1)), closed(2)),
    ];
    for start in starts {
        start.run(&["start"]).assert(0, "", "");
        assert_eq!(home.actor("ready").run(&["status"]).code, 0);
        assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
        home.assert_nothing_left();
    }
}

#[test]
fn a_failure_has_its_exit_code_though_nobody_can_read_it() {
    let home = Home::new();
    let program = before(home.actor("exits:42"), || nix::unistd::close(1).map_err(io::Error::from));
    let program = before(program, || nix::unistd::close(2).map_err(io::Error::from));
    program.run(&["start"]).assert(42, "", "");
    home.assert_nothing_left();
}

#[test]
fn missing_folders_of_pidfile_and_logs_are_made() {
    let home = Home::new();
    let pidfile = home.path("new/and/deeper/actor.pid");
    let actor = home.actor("copies-stdin").set("ACTOR_PIDFILE", &pidfile);
    let actor = actor.set("ACTOR_STDOUT", home.path("logs/of/out")).set("ACTOR_STDERR", home.path("other/logs/err"));
    assert_eq!(actor.run(&["start"]).code, 0);
    assert_eq!(home.read("logs/of/out"), "stdout: \n");
    assert_eq!(home.read("other/logs/err"), "stderr: \n");
    assert_eq!(fs::read_to_string(pidfile).expect("it is there"), format!("{}\n", home.processes()[0]));
}

#[test]
fn relative_paths_mean_the_directory_of_the_launch() {
    let home = Home::new();
    let actor = home.actor("copies-stdin").set("ACTOR_PIDFILE", "run/actor.pid").set("ACTOR_WORKDIR", "/");
    let actor = actor.set("ACTOR_STDOUT", "logs/out").set("ACTOR_STDERR", "logs/err").set("ACTOR_STDIN", "in");
    fs::write(home.path("in"), "words").expect("written");
    actor.run(&["start"]).assert(0, &ok(&home), "");
    assert_eq!(
        (home.read("logs/out").as_str(), home.read("logs/err").as_str()),
        ("stdout: words\n", "stderr: words\n")
    );
}

#[test]
fn a_start_inside_a_command_substitution_returns_and_the_daemon_goes_on() {
    let home = Home::new();
    let script = r#"told=$("$ACTOR" start 2>&1); echo "told: $told""#;
    home.shell("parent").run(&["-c", script]).assert(0, &format!("told: {}", ok(&home)), "");
    assert!(home.processes().contains(&home.pid()));
    let child = home.lines("notes")[0].parse().expect("its child's pid");
    assert!(home.processes().contains(&child));
}

#[test]
fn a_worker_that_became_another_program_is_no_daemon_that_started() {
    let home = Home::new();
    let error = "error: the daemon ended, or let go of its claim, before it was ready and without a word\n";
    home.actor("becomes-another").set("ACTOR_SETTLE", "100ms").run(&["start"]).assert(
        1,
        "Starting actor ... FAILED\n",
        error,
    );
    home.assert_nothing_left();
}

#[test]
fn a_child_forked_before_ready_does_not_hold_the_start_up() {
    let home = Home::new();
    let told = home.actor("forks-before-ready").run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
}

#[test]
fn who_waits_until_a_process_is_gone_that_is_not_its_child_is_not_kept_waiting_by_the_start() {
    let home = Home::new();
    let told = home.actor("waits-for-an-orphan").set("ACTOR_READY", "notify").run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
}
