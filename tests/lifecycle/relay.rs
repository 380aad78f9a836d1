//! `output = "relayed"`: a log that takes nothing costs lines, which are counted and told, and never the daemon; with
//! `"direct"` the same worker dies of it, in order and with the reason.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::Signal;

use crate::home::{Home, Program, Told, eventually, is_over, numbers_in};
use crate::relayed::fifo;
use crate::surroundings::may_mount;

const SCRIBE: &str = env!("CARGO_BIN_EXE_scribe");

/// The daemon of `tests/fixtures/scribe.rs` with these steps, relayed to `log`.
pub fn scribe(home: &Home, steps: &str) -> Program {
    home.cast(Path::new(SCRIBE), steps).set("ACTOR_OUTPUT", "relayed").set("ACTOR_STDOUT", home.path("log"))
}

#[track_caller]
pub fn start(home: &Home, program: Program) -> i32 {
    let told = program.run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    home.pid()
}

#[track_caller]
pub fn stop(home: &Home) {
    scribe(home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

pub fn go(home: &Home, name: &str) {
    fs::write(home.path(name), "").expect("written");
}

/// The words of a step that waits for a file in the test's directory.
pub fn until(home: &Home, name: &str) -> String {
    format!("go:{}", home.path(name).display())
}

pub fn threads(pid: i32) -> Vec<String> {
    let names = numbers_in(&format!("/proc/{pid}/task")).into_iter();
    names
        .filter_map(|task| Some(fs::read_to_string(format!("/proc/{pid}/task/{task}/comm")).ok()?.trim().to_owned()))
        .collect()
}

/// What a log tells as missing: lines, bytes, why. What is being written just now has no end yet.
fn missing(log: &str) -> Vec<(usize, usize, String)> {
    let whole = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let told = whole.filter_map(|line| line.strip_prefix("warning: "));
    told.map(|told| {
        let (numbers, why) =
            told.split_once(" missing here, because the log could not be written: ").expect("as promised");
        let mut numbers = numbers.split([' ', '(']).filter_map(|word| word.parse().ok());
        (numbers.next().expect("lines"), numbers.next().expect("bytes"), why.to_owned())
    })
    .collect()
}

/// Every line of `count` is in the log once, whole and in order, or is among those that are told as missing, and for this
/// reason.
#[track_caller]
fn assert_accounted(log: &str, count: usize, why: &str) {
    let kept: Vec<usize> = log
        .lines()
        .filter(|line| !line.starts_with("warning: "))
        .map(|line| line.strip_prefix("line ").and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("torn: {line:?}")))
        .collect();
    assert!(kept.is_sorted_by(|one, next| one < next), "{kept:?}");
    let told = missing(log);
    assert!(!told.is_empty() && told.iter().all(|(.., reason)| reason == why), "{told:?}");
    let bytes = |numbers: &mut dyn Iterator<Item = usize>| numbers.map(|n| format!("line {n}\n").len()).sum::<usize>();
    assert_eq!(kept.len() + told.iter().map(|(lines, ..)| lines).sum::<usize>(), count);
    let all = bytes(&mut (0..count));
    assert_eq!(bytes(&mut kept.into_iter()) + told.iter().map(|(_, bytes, _)| bytes).sum::<usize>(), all);
}

/// Has a shell do this before it becomes the program.
fn after(script: &str, program: &Program, shell: &[&str]) -> Program {
    let (first, rest) = shell.split_first().expect("a shell");
    let mut command = Command::new(first);
    command.args(rest).args(["-c", &format!("{script} exec \"$0\" \"$@\"")]).arg(program.0.get_program());
    command.current_dir(program.0.get_current_dir().expect("it has one")).stdin(Stdio::null());
    for (key, value) in program.0.get_envs() {
        match value {
            Some(value) => command.env(key, value),
            None => command.env_remove(key),
        };
    }
    Program(command)
}

/// With a disk of its own for its log, on which there are 32 KiB, and as much again once `filler` is gone.
fn on_small_disk(home: &Home, program: Program) -> Program {
    let disk = home.path("disk");
    fs::create_dir(&disk).expect("made");
    let script = "mount -t tmpfs -o size=64k none disk && head -c 32768 /dev/zero >disk/filler &&";
    after(script, &program.set("ACTOR_STDOUT", disk.join("log")), &["unshare", "-m", "sh"])
}

#[test]
fn a_full_disk_costs_lines_that_are_counted_and_told_once_there_is_room() {
    if !may_mount("a_full_disk_costs_lines_that_are_counted_and_told_once_there_is_room") {
        return;
    }
    let home = Home::new();
    // It is ready when all of them have come to the log, or have not.
    let steps = format!("lines:20000,ready,{},out:line 20000", until(&home, "room"));
    let pid = start(&home, on_small_disk(&home, scribe(&home, &steps).set("ACTOR_READY", "notify")));
    // In the daemon's view of the file system.
    let disk = format!("/proc/{pid}/root{}", home.path("disk").display());
    fs::remove_file(format!("{disk}/filler")).expect("it is there");
    let log = || fs::read_to_string(format!("{disk}/log")).unwrap_or_default();
    eventually("what is missing to be told, though nothing more is written", || !missing(&log()).is_empty());
    let hold = File::open(format!("{disk}/log")).expect("it is there");
    go(&home, "room");
    eventually("its end", || is_over(pid));
    let mut log = String::new();
    { hold }.read_to_string(&mut log).expect("read");
    assert_accounted(&log, 20_001, "No space left on device");
    assert!(log.ends_with("\nline 20000\n"));
    assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"]);
    home.assert_nothing_left();
}

#[test]
fn without_a_relay_the_same_worker_dies_of_it_in_order_and_with_the_reason() {
    if !may_mount("without_a_relay_the_same_worker_dies_of_it_in_order_and_with_the_reason") {
        return;
    }
    let home = Home::new();
    let steps = format!("ready,{},lines:20000,sleep", until(&home, "go"));
    start(&home, on_small_disk(&home, scribe(&home, &steps).set("ACTOR_OUTPUT", "direct")));
    go(&home, "go");
    home.assert_nothing_left();
    let words = home.read("last-words");
    let why = "Dying due to panic: failed printing to stdout: No space left on device (os error 28)";
    assert!(words.starts_with(why) && words.ends_with(" [101]\n"), "{words}");
}

#[test]
fn a_log_that_takes_nothing_at_all_does_not_keep_the_daemon_from_its_work() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        let steps = "lines:20000,err:words,ready,lines:20000,note:written,sleep";
        let full = scribe(&home, steps).set("ACTOR_STDOUT", "/dev/full").set("ACTOR_STDERR", "/dev/full");
        start(&home, full.set("ACTOR_DETACH", detach));
        eventually("all to be written", || home.lines("notes") == ["written"]);
        stop(&home);
        assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
        // The same without a relay does not even start, and says why.
        let home = Home::new();
        let full = scribe(&home, steps).set("ACTOR_STDOUT", "/dev/full").set("ACTOR_OUTPUT", "direct");
        let told = full.set("ACTOR_DETACH", detach).run(&["start"]);
        assert_eq!((told.code, told.stdout.as_str()), (101, "Starting actor ... FAILED\n"));
        let why = "failed printing to stdout: No space left on device (os error 28)";
        assert!(told.stderr.starts_with("error: ") && told.stderr.contains(why), "{}", told.stderr);
        home.assert_nothing_left();
    }
}

#[test]
fn a_tick_that_cannot_print_is_a_failed_tick_and_the_daemon_goes_on_though_its_stderr_is_full_too() {
    let home = Home::new();
    let full = scribe(&home, "").set("ACTOR_STDOUT", "/dev/full").set("ACTOR_STDERR", "/dev/full");
    start(&home, full.set("ACTOR_OUTPUT", "direct").set("ACTOR_EVERY", "10ms"));
    eventually("tick after tick", || home.lines("notes").len() > 3);
    stop(&home);
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
    // With a stderr that takes it, it is told there with its number.
    let home = Home::new();
    let full = scribe(&home, "").set("ACTOR_STDOUT", "/dev/full").set("ACTOR_STDERR", home.path("err"));
    start(&home, full.set("ACTOR_OUTPUT", "direct").set("ACTOR_EVERY", "10ms"));
    let told = "error: tick 0 panicked: failed printing to stdout: No space left on device (os error 28)";
    eventually("the report", || home.lines("err").iter().any(|line| line.starts_with(told)));
    stop(&home);
}

/// With a limit for the size of files, which can be raised again.
fn limited(program: &Program) -> Program {
    after("ulimit -S -f 20;", program, &["sh"])
}

fn lift_limit(pid: i32) {
    let lifted = Command::new("prlimit").args(["--pid", &pid.to_string(), "--fsize=unlimited:"]).status();
    assert!(lifted.expect("it runs").success());
}

#[test]
fn a_log_that_may_not_grow_costs_lines_and_no_signal_kills() {
    let home = Home::new();
    let limited = |output| {
        let scribe = scribe(&home, "lines:20000,ready,sleep").set("ACTOR_READY", "notify");
        limited(&scribe.set("ACTOR_OUTPUT", output))
    };
    // Without a relay the signal that the limit sends is the end.
    let told = limited("direct").run(&["start"]);
    assert_eq!(told.code, 128 + Signal::SIGXFSZ as i32, "{told:?}");
    fs::remove_file(home.path("log")).expect("it is there");
    let pid = start(&home, limited("relayed"));
    lift_limit(pid);
    eventually("what is missing to be told", || !missing(&home.read("log")).is_empty());
    assert_accounted(&home.read("log"), 20_000, "File too large");
    stop(&home);
}

#[test]
fn a_reload_while_the_log_takes_nothing_neither_fails_nor_forgets_what_is_missing() {
    let home = Home::new();
    // Also what the program prints before it comes to the call must not end it.
    let steps = format!("lines:20000,reload,out:line 20001,note:written,{},sleep", until(&home, "go"));
    let program = limited(&scribe(&home, &steps).set("ACTOR_PRELUDE", "line 20000"));
    assert_eq!(program.run(&["start"]).code, 0);
    let pid = home.pid();
    eventually("all to be written", || home.read("notes") == "reloads\nwritten\n");
    lift_limit(pid);
    eventually("what is missing to be told", || !missing(&home.read("log")).is_empty());
    assert_eq!(home.pid(), pid);
    assert_accounted(&home.read("log"), 20_002, "File too large");
    stop(&home);
}

#[test]
fn a_log_whose_device_fails_does_not_keep_the_daemon_from_its_work() {
    for output in ["relayed", "direct"] {
        let home = Home::new();
        let terminal = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("ours");
        let name = ptsname_r(&terminal).expect("it has one");
        let steps = format!("ready,{},lines:1000,note:written,sleep", until(&home, "go"));
        let pid = start(&home, scribe(&home, &steps).set("ACTOR_STDOUT", &name).set("ACTOR_OUTPUT", output));
        // What is written to a terminal whose other side is gone fails with EIO.
        drop(terminal);
        go(&home, "go");
        if output == "relayed" {
            eventually("all to be written", || home.lines("notes") == ["written"]);
            stop(&home);
        } else {
            eventually("its end", || is_over(pid));
            let words = home.read("last-words");
            assert!(words.contains("failed printing to stdout: Input/output error"), "{words}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_costs_lines_of_which_the_next_reader_is_told() {
    let home = Home::new();
    let reader = fifo(&home, "log");
    let (gone, back) = (until(&home, "gone"), until(&home, "back"));
    // It is ready when all of them have come to the log, or have not.
    let steps = format!("note:begun,{gone},lines:10,ready,{back},out:after,sleep");
    let child = scribe(&home, &steps).set("ACTOR_READY", "notify").spawn(&["start"]);
    eventually("the worker to have begun", || home.lines("notes") == ["begun"]);
    drop(reader);
    go(&home, "gone");
    assert_eq!(Told::of(child).code, 0);
    let next = File::open(home.path("log")).expect("there is somebody who writes");
    go(&home, "back");
    let lines: Vec<_> = BufReader::new(next).lines().map_while(Result::ok).take_while(|line| line != "after").collect();
    let told = "warning: 10 lines (70 bytes) are missing here, because the log could not be written: Broken pipe";
    assert_eq!(lines, [told]);
    stop(&home);
}

#[test]
fn without_a_relay_there_is_no_thread_for_it() {
    for (output, count) in [("direct", 0), ("relayed", 1)] {
        let home = Home::new();
        let pid = start(&home, scribe(&home, "ready,sleep").set("ACTOR_OUTPUT", output));
        let threads = threads(pid);
        assert_eq!(threads.iter().filter(|name| *name == "relay").count(), count, "{output}: {threads:?}");
        stop(&home);
    }
}
