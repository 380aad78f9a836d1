//! python-daemon's service and its `DaemonContext`, as the examples have them; and what such tests share.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::examples::pid;
use crate::home::{Home, Program, Told, eventually, is_over, numbers_in};

/// What an example has left in its home.
pub fn names(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.path("")).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"));
    // The home has it from the beginning.
    let mut names: Vec<_> = names.filter(|name| name != "run").collect();
    names.sort();
    names
}

/// The daemon is gone, and of its files there are only these.
#[track_caller]
pub fn assert_left(home: &Home, left: &[&str]) {
    eventually("every process to be gone", || home.processes().is_empty());
    assert_eq!(names(home), left);
}

pub fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it is there");
}

/// Runs it twice at the same time; what the one told, and what the other.
pub fn at_once(program: impl Fn() -> Program, words: &[&str], is_the_one: impl Fn(&Told) -> bool) -> (Told, Told) {
    let [a, b] = [program(), program()].map(|program| program.spawn(words)).map(Told::of);
    match (is_the_one(&a), is_the_one(&b)) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        _ => panic!("there must be one: {a:?}, {b:?}"),
    }
}

/// A log that cannot be written to.
pub fn full_log(home: &Home, name: &str) {
    symlink("/dev/full", home.path(name)).expect("made");
}

/// What a worker is told to have died of when it could not print.
pub const DISK_FULL: &str =
    "error: the worker panicked: failed printing to stdout: No space left on device (os error 28) (";

fn service(home: &Home, timeout: u32) -> Program {
    home.example("python_daemon").set("PYTHON_DAEMON_TIMEOUT", timeout.to_string())
}

/// Starts or restarts the service, and sees that the pidfile was there when the command returned.
#[track_caller]
fn serve(home: &Home, action: &str) -> i32 {
    let told = service(home, 0).run(&[action]);
    let pid = pid(home, "python_daemon.pid").unwrap_or_else(|| panic!("no pidfile: {told:?}"));
    told.assert(0, "", &format!("started with pid {pid}\n"));
    assert_eq!(home.processes(), [pid]);
    pid
}

#[test]
fn a_service_is_started_restarted_and_stopped() {
    let home = Home::new();
    let first = serve(&home, "start");
    eventually("its first line", || {
        home.lines("python_daemon.log").first().is_some_and(|line| line == "still serving")
    });
    let second = serve(&home, "restart");
    assert_ne!(second, first);
    service(&home, 0).run(&["stop"]).assert(0, "", "");
    assert!(home.processes().is_empty());
    assert_left(&home, &["python_daemon.log"]);
    serve(&home, "restart");
    service(&home, 0).run(&["stop"]).assert(0, "", "");
    assert_left(&home, &["python_daemon.log"]);
    assert_eq!(home.lines("python_daemon.log")[..3], ["still serving"; 3]);
}

#[test]
fn a_service_without_a_known_action_tells_its_usage() {
    let home = Home::new();
    for words in [&[][..], &["test"], &["status"], &["test", "start"]] {
        service(&home, 0).run(words).assert(2, "", "usage: python_daemon start|stop|restart\n");
    }
    assert_left(&home, &[]);
}

#[test]
fn a_stop_of_a_service_that_does_not_run_fails() {
    let home = Home::new();
    let error = format!("error: the pidfile {} is not locked\n", home.path("python_daemon.pid").display());
    service(&home, 0).run(&["stop"]).assert(1, "", &error);
    assert_left(&home, &[]);
}

fn already_locked(home: &Home, pid: i32) -> String {
    format!("error: the pidfile {} is already locked, by pid {pid}\n", home.path("python_daemon.pid").display())
}

#[test]
fn a_start_gives_a_service_that_runs_the_time_out_of_its_pidfile() {
    let home = Home::new();
    let running = serve(&home, "start");
    let begun = Instant::now();
    service(&home, 1).run(&["start"]).assert(1, "", &already_locked(&home, running));
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(home.processes(), [running]);

    let waiting = service(&home, 3600).spawn(&["start"]);
    service(&home, 0).run(&["stop"]).assert(0, "", "");
    let told = Told::of(waiting);
    let next = pid(&home, "python_daemon.pid").expect("a pidfile");
    told.assert(0, "", &format!("started with pid {next}\n"));
    assert!(next != running && home.processes() == [next]);
}

#[test]
fn of_two_starts_of_a_service_one_works_and_one_says_that_it_is_locked() {
    let home = Home::new();
    let (one, other) = at_once(|| service(&home, 0), &["start"], |told| told.code == 0);
    let pid = pid(&home, "python_daemon.pid").expect("a pidfile");
    one.assert(0, "", &format!("started with pid {pid}\n"));
    other.assert(1, "", &already_locked(&home, pid));
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn a_service_that_panics_at_once_is_not_started() {
    let home = Home::new();
    full_log(&home, "python_daemon.log");
    let told = service(&home, 0).run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, ""));
    assert!(told.stderr.starts_with(DISK_FULL), "{told:?}");
    assert_left(&home, &["python_daemon.log"]);
}

#[test]
fn a_service_that_was_killed_is_not_locked_any_more() {
    let home = Home::new();
    let killed = serve(&home, "start");
    signal(killed, Signal::SIGKILL);
    eventually("its end", || is_over(killed));
    let next = serve(&home, "start");
    signal(next, Signal::SIGKILL);
    eventually("its end", || is_over(next));
    assert_eq!(service(&home, 0).run(&["stop"]).code, 1);
    assert_left(&home, &["python_daemon.log"]);
}

#[test]
fn a_service_in_the_foreground_has_the_exit_code_of_its_end() {
    let home = Home::new();
    let shell = home.program(Path::new("/bin/sh")).set("EXAMPLE", home.example("python_daemon").0.get_program());
    let told = shell.set("NOTIFY_SOCKET", "/nowhere").run(&["-c", r#"exec "$EXAMPLE" start >/dev/full"#]);
    assert!(told.stderr.contains("failed printing to stdout"), "{told:?}");
    assert_left(&home, &[]);
    assert_eq!(told.code, 101);
}

const CONTEXT: &str = "python_daemon_context";

const CONTEXTS_FILES: [&str; 3] =
    ["python_daemon_context.data", "python_daemon_context.log", "python_daemon_context.spool"];

/// Opens the context, and gives the daemon's pid.
#[track_caller]
fn open(home: &Home, program: Program, words: &[&str]) -> i32 {
    program.run(words).assert(0, "", "");
    let pid = pid(home, "python_daemon_context.pid").expect("a pidfile");
    assert_eq!(home.processes(), [pid]);
    pid
}

#[test]
fn a_context_has_its_umask_its_directory_and_of_open_files_only_those_to_preserve() {
    let home = Home::new();
    let shell = home.program(Path::new("/bin/sh")).set("EXAMPLE", home.example(CONTEXT).0.get_program());
    let pid = open(&home, shell, &["-c", r#"exec "$EXAMPLE" 8>"$HOME/leaked" 9</"#]);
    let mode = home.path("python_daemon_context.spool").metadata().expect("made").permissions().mode();
    assert_eq!(mode & 0o7777, 0o664);
    assert_eq!(home.read("python_daemon_context.data"), format!("still open in {pid}\n"));
    let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default();
    assert_eq!(link("cwd"), home.path("").canonicalize().expect("there"));
    let fds = numbers_in(&format!("/proc/{pid}/fd"));
    let open: Vec<_> = fds.iter().map(|fd| link(&format!("fd/{fd}"))).collect();
    assert!(open.iter().any(|path| path.ends_with("python_daemon_context.data")), "{open:?}");
    assert!(!open.iter().any(|path| path.ends_with("leaked") || path == Path::new("/")), "{open:?}");
}

#[test]
fn the_signals_of_a_context_do_what_its_map_says() {
    for end in [Signal::SIGUSR2, Signal::SIGTERM] {
        let home = Home::new();
        let pid = open(&home, home.example(CONTEXT), &[]);
        for round in 1..=2 {
            signal(pid, Signal::SIGUSR1);
            signal(pid, Signal::SIGHUP);
            eventually("the reload", || home.lines("python_daemon_context.log").len() >= round);
        }
        assert_eq!(home.processes(), [pid]);
        signal(pid, end);
        assert_left(&home, &CONTEXTS_FILES);
        let log = home.lines("python_daemon_context.log");
        let (work, end): (Vec<_>, Vec<_>) = log.iter().partition(|line| line.contains("still working"));
        let reload = "the configuration is read again";
        assert_eq!(end, [reload, reload, "cleaned up", "closed"], "{work:?}");
    }
}

#[test]
fn a_second_context_is_refused_also_at_the_same_time() {
    let home = Home::new();
    let (one, other) = at_once(|| home.example(CONTEXT), &[], |told| told.code == 0);
    let pid = pid(&home, "python_daemon_context.pid").expect("a pidfile");
    let refused = format!("Error: already running with pid {pid}\n");
    one.assert(0, "", "");
    other.assert(1, "", &refused);
    home.example(CONTEXT).run(&[]).assert(1, "", &refused);
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn a_context_whose_program_fails_at_once_is_told_and_leaves_nothing() {
    let home = Home::new();
    fs::create_dir(home.path("python_daemon_context.spool")).expect("made");
    let told = home.example(CONTEXT).run(&[]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""));
    let error = "error: the worker ended with exit code 1 before it was ready\nwhat it wrote to stderr:\n  Error: ";
    assert!(told.stderr.starts_with(error) && told.stderr.contains("Is a directory"), "{told:?}");
    assert_left(&home, &CONTEXTS_FILES);
}
