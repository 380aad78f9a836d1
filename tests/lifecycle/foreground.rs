//! What does not detach: the process that was run is the daemon, and all but its place is as in the background.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::unistd::{Pid, setsid};

use crate::home::{Home, Program, Told, catches, eventually};

const STOPPED: &str = "Stopping actor ... OK\n";

fn pid_of(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a pid")
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it is there");
}

/// Starts it, and waits until it is the daemon and can be asked to shut down.
fn living(program: Program, home: &Home, words: &[&str]) -> Child {
    let child = program.spawn(words);
    await_daemon(home, pid_of(&child));
    child
}

fn await_daemon(home: &Home, pid: i32) {
    eventually("the pidfile", || home.pidfile().exists());
    assert_eq!(home.pid(), pid);
    eventually("its signal handlers", || catches(pid, Signal::SIGQUIT));
}

/// Has something done in the program's process before the program itself begins.
fn before(mut program: Program, act: impl FnMut() -> io::Result<()> + Send + Sync + 'static) -> Program {
    // SAFETY: what the callers here do between fork and exec are single system calls.
    unsafe { program.0.pre_exec(act) };
    program
}

/// As a super-server does: its stdin is a guest's connection.
fn with_a_socket_as_stdin(home: &Home, mut program: Program) -> (Program, UnixStream) {
    let door = UnixListener::bind(home.path("door")).expect("bound");
    let guest = UnixStream::connect(home.path("door")).expect("connected");
    program.0.stdin(OwnedFd::from(door.accept().expect("accepted").0));
    (program, guest)
}

fn assert_ends_well(home: &Home, child: Child, stdout: &str) {
    signal(pid_of(&child), Signal::SIGTERM);
    Told::of(child).assert(0, stdout, "");
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

#[test]
fn run_stays_with_its_pid_in_the_pidfile_and_not_a_word_until_it_is_asked_to_end() {
    for role in ["ready", "plain"] {
        let home = Home::new();
        let child = living(home.actor(role), &home, &["run"]);
        assert_ends_well(&home, child, "");
    }
}

#[test]
fn a_start_stays_in_the_foreground_where_it_is_told_to_or_somebody_looks_after_it() {
    let reasons = [(&["start", "--foreground"][..], None), (&["start"], Some(("ACTOR_DETACH", "false")))];
    for (words, variable) in reasons {
        let home = Home::new();
        let mut program = home.actor("ready");
        program.0.envs(variable);
        let child = living(program, &home, words);
        let ready = format!("Starting actor ... OK (pid {})\n", child.id());
        assert_ends_well(&home, child, &ready);
    }
}

/// A service manager that only listens, and what it has heard so far.
fn manager(home: &Home) -> impl Fn() -> Vec<String> {
    let socket = UnixDatagram::bind(home.path("notify")).expect("bound");
    socket.set_nonblocking(true).expect("set");
    move || {
        let mut bytes = [0; 1024];
        let word = || socket.recv(&mut bytes).ok().map(|length| String::from_utf8_lossy(&bytes[..length]).into_owned());
        std::iter::from_fn(word).collect()
    }
}

#[test]
fn a_start_that_is_to_notify_a_manager_stays_in_the_foreground_and_tells_it() {
    let home = Home::new();
    let heard = manager(&home);
    let child = living(home.actor("ready").set("NOTIFY_SOCKET", home.path("notify")), &home, &["start"]);
    let mut words = Vec::new();
    eventually("the word", || {
        words.extend(heard());
        words == ["READY=1"]
    });
    let ready = format!("Starting actor ... OK (pid {})\n", child.id());
    assert_ends_well(&home, child, &ready);
    assert_eq!(heard(), ["STOPPING=1"]);
}

#[test]
fn a_manager_that_is_out_of_reach_is_told_of_once_and_is_no_reason_to_end() {
    let why =
        |why: &str| format!("warning: the service manager cannot be told how the daemon is (NOTIFY_SOCKET): {why}\n");
    let home = Home::new();
    let child = living(home.actor("ready").set("NOTIFY_SOCKET", "/nowhere/notify"), &home, &["run"]);
    signal(pid_of(&child), Signal::SIGTERM);
    Told::of(child).assert(0, "", &why("/nowhere/notify: No such file or directory"));
    home.assert_nothing_left();

    // It was there, and is not any more.
    let home = Home::new();
    let heard = manager(&home);
    let child = living(home.actor("ready").set("NOTIFY_SOCKET", home.path("notify")), &home, &["run"]);
    eventually("the word", || heard() == ["READY=1"]);
    drop(heard);
    signal(pid_of(&child), Signal::SIGTERM);
    Told::of(child).assert(0, "", &why("Connection refused"));
    home.assert_nothing_left();
}

#[test]
fn a_manager_that_cannot_be_told_is_nobody_elses_to_tell_either() {
    for (variable, value) in [("NOTIFY_SOCKET", "/nowhere/notify"), ("NOTIFY_SOCKET", "vsock:2:1"), ("NOTIFY_FD", "77")]
    {
        let home = Home::new();
        let role = format!("notes-variable:{variable}");
        let child = home.actor(&role).set(variable, value).set("WATCHDOG_USEC", "1000000").spawn(&["run"]);
        let told = Told::of(child);
        assert!(
            told.code == 1 && told.stderr.contains("environment variable not found"),
            "{variable}={value}: {told:?}"
        );
    }
}

#[test]
fn a_descriptor_that_is_to_be_a_socket_and_the_way_to_say_ready_is_a_socket_and_the_warning_says_so() {
    let home = Home::new();
    let script = "export LISTEN_PID=$$ LISTEN_FDS=1 NOTIFY_FD=3; exec \"$0\" run 3<\"$0\"";
    let mut program = home.cast(Path::new("sh"), "ready");
    program.0.args(["-c", script, env!("CARGO_BIN_EXE_actor")]);
    let child = living(program, &home, &[]);
    signal(pid_of(&child), Signal::SIGTERM);
    let why = "3 is one of the sockets of LISTEN_FDS; give it a number above them";
    let told = format!("warning: the service manager cannot be told how the daemon is (NOTIFY_FD): {why}\n");
    Told::of(child).assert(0, "", &told);
}

#[test]
fn a_start_by_a_super_server_stays_in_the_foreground() {
    let home = Home::new();
    let (program, _socket) = with_a_socket_as_stdin(&home, home.actor("ready"));
    let child = living(program, &home, &["start"]);
    let ready = format!("Starting actor ... OK (pid {})\n", child.id());
    assert_ends_well(&home, child, &ready);
}

#[test]
fn a_start_with_one_of_a_pair_of_sockets_as_stdin_as_from_node_goes_to_the_background() {
    let home = Home::new();
    let mut program = home.actor("ready");
    let (_ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    program.0.stdin(OwnedFd::from(theirs));
    let told = program.run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    assert_eq!(home.processes(), [home.pid()]);
}

#[test]
fn detach_true_means_the_background_whoever_looks_after_us() {
    let home = Home::new();
    let heard = manager(&home);
    let (program, _socket) = with_a_socket_as_stdin(&home, home.actor("ready"));
    let told = program.set("ACTOR_DETACH", "true").set("NOTIFY_SOCKET", home.path("notify")).run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    assert_eq!(home.processes(), [home.pid()]);
    assert_eq!(heard(), [format!("MAINPID={}\nREADY=1", home.pid())]);
}

#[test]
fn what_a_detaching_daemon_said_before_its_manager_knew_it_is_said_again_afterwards() {
    let home = Home::new();
    let heard = manager(&home);
    let program = home.actor("says-and-is-ready").set("ACTOR_READY", "notify").set("ACTOR_DETACH", "true");
    let told = program.set("NOTIFY_SOCKET", home.path("notify")).run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    assert_eq!(heard(), ["STATUS=opening", "STATUS=open", &format!("MAINPID={}\nREADY=1\nSTATUS=open", home.pid())]);
}

#[test]
fn the_standard_streams_stay_as_they_are() {
    let home = Home::new();
    fs::write(home.path("in"), "words").expect("written");
    let mut actor = home.actor("copies-stdin").set("ACTOR_STDOUT", home.path("out"));
    actor.0.stdin(Stdio::from(fs::File::open(home.path("in")).expect("opened")));
    let child = living(actor, &home, &["run"]);
    signal(pid_of(&child), Signal::SIGTERM);
    Told::of(child).assert(0, "stdout: words\n", "stderr: words\n");
    assert!(!home.path("out").exists());
    home.assert_nothing_left();
}

#[test]
fn the_daemon_is_in_its_workdir_and_in_the_session_of_who_ran_it() {
    let home = Home::new();
    let child = living(home.actor("ready").set("ACTOR_WORKDIR", home.path("run")), &home, &["run"]);
    let workdir = fs::read_link(format!("/proc/{}/cwd", child.id())).expect("it is there");
    assert_eq!(workdir, home.path("run").canonicalize().expect("it is there"));
    let session = |pid| nix::unistd::getsid(pid).expect("it is there");
    assert_eq!(session(Some(Pid::from_raw(pid_of(&child)))), session(None));
    assert_ends_well(&home, child, "");
}

#[test]
fn the_workers_exit_code_is_the_programs() {
    let rows = [("exits:0", 0, ""), ("exits:7", 7, ""), ("ends", 0, ""), ("fails", 1, "error: no such luck\n")];
    for (role, code, stderr) in rows {
        let home = Home::new();
        home.actor(role).run(&["run"]).assert(code, "", stderr);
        home.assert_nothing_left();
    }
}

#[test]
fn a_start_in_the_foreground_tells_of_an_early_end_as_any_start_does() {
    let home = Home::new();
    let start = |role| home.actor(role).run(&["start", "--foreground"]);
    start("ends").assert(0, "Starting actor ... OK (ended)\n", "");
    start("fails").assert(1, "Starting actor ... FAILED\n", "error: no such luck\n");
    // Who ends the process has left nobody to tell of it but the exit code.
    assert_eq!((start("exits:7").code, start("exits:0").code), (7, 0));
    home.assert_nothing_left();
}

#[test]
fn a_panic_is_shown_on_stderr_and_is_exit_code_101() {
    let home = Home::new();
    let told = home.actor("panics").run(&["run"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, ""));
    assert!(told.stderr.contains("the sky is falling"), "{}", told.stderr);
    home.assert_nothing_left();
}

#[test]
fn what_cannot_be_is_refused_without_a_word_on_stdout() {
    let home = Home::new();
    let missing = home.path("missing");
    let reason =
        format!("error: cannot enter the working directory {}: No such file or directory\n", missing.display());
    home.actor("ready").set("ACTOR_WORKDIR", missing).run(&["run"]).assert(1, "", &reason);
    let refused = home.actor("ready").set("ACTOR_ON_START", "refuse").run(&["run"]);
    refused.assert(1, "", "error: on_start refused: the stars are not right\n");
    home.assert_nothing_left();
}

#[test]
fn a_process_with_threads_may_be_a_daemon_in_the_foreground() {
    let home = Home::new();
    let child = living(home.actor("threads"), &home, &["run"]);
    assert_ends_well(&home, child, "");
}

#[test]
fn status_start_and_run_know_a_daemon_in_the_foreground_and_stop_ends_it() {
    let home = Home::new();
    let child = living(home.actor("ready"), &home, &["run"]);
    let status = home.actor("ready").run(&["status"]);
    assert_eq!((status.code, status.stderr.as_str()), (0, ""));
    assert!(status.stdout.starts_with(&format!("actor -- pid: {}, status: running, ", child.id())), "{status:?}");
    let already = format!("warning: actor is already running with pid {}\n", child.id());
    for words in [&["start"][..], &["start", "--foreground"], &["run"]] {
        home.actor("ready").run(words).assert(0, "", &already);
    }
    home.actor("ready").run(&["stop"]).assert(0, STOPPED, "");
    Told::of(child).assert(0, "", "");
    home.assert_nothing_left();
}

#[test]
fn a_forced_stop_kills_the_daemon_and_nobody_else_of_a_session_that_is_not_its_own() {
    // The daemon leads the session and the group of somebody else's process, or is one more in both.
    for script in [r#"sleep 1000 & exec "$ACTOR" run"#, r#"sleep 1000 & "$ACTOR" run"#] {
        let home = Home::new();
        // A session apart from the test's own, which a stop that kills too much must not reach.
        let shell = before(home.shell("deaf"), || setsid().map(drop).map_err(io::Error::from)).spawn(&["-c", script]);
        eventually("the pidfile", || home.pidfile().exists());
        let daemon = home.pid();
        await_daemon(&home, daemon);
        let sleeper = || home.processes().into_iter().find(|pid| comm(*pid) == "sleep");
        eventually("the other process", || sleeper().is_some());
        let sleeper = sleeper().expect("the other process");
        let killed = format!("warning: pid {daemon} had not stopped after 200ms, and was killed\n");
        let stop = home.actor("deaf").set("ACTOR_STOP_TIMEOUT", "200ms");
        stop.run(&["stop", "--force"]).assert(0, STOPPED, &killed);
        eventually("the daemon to be gone", || !home.processes().contains(&daemon));
        assert!(home.processes().contains(&sleeper));
        assert_eq!(home.run_names(), Vec::<String>::new());
        signal(sleeper, Signal::SIGKILL);
        assert_eq!(Told::of(shell).code, 137);
    }
}

fn comm(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

#[test]
fn what_nohup_started_does_not_hear_the_hang_up() {
    let home = Home::new();
    let mut shell = home.shell("ready");
    shell.0.stdin(Stdio::null());
    let child = living(shell, &home, &["-c", r#"trap "" HUP; exec "$ACTOR" run"#]);
    signal(pid_of(&child), Signal::SIGHUP);
    // Of two signals that wait, the kernel delivers the hang-up first: had it counted, the code would be its.
    assert_ends_well(&home, child, "");
}

#[test]
fn a_hang_up_that_nobody_ignores_ends_it() {
    let home = Home::new();
    let child = living(home.actor("ready"), &home, &["run"]);
    signal(pid_of(&child), Signal::SIGHUP);
    Told::of(child).assert(129, "", "");
}

#[test]
fn signals_that_the_launching_program_blocked_or_ignored_end_it_all_the_same() {
    let home = Home::new();
    let blocked = before(home.actor("ready"), || {
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None).map_err(io::Error::from)
    });
    let child = living(blocked, &home, &["run"]);
    assert_ends_well(&home, child, "");

    let home = Home::new();
    let child = living(home.shell("ready"), &home, &["-c", r#"trap "" TERM INT QUIT; exec "$ACTOR" run"#]);
    assert_ends_well(&home, child, "");
}
