//! `logs`: the last lines of what the daemon has written, where they can be shown, and why where they cannot.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::home::{Home, Program, Told, is_root};
use crate::relay::{start, stop};
use crate::relayed::fifo;

const SCRIBE: &str = env!("CARGO_BIN_EXE_scribe");

/// The daemon of `tests/fixtures/scribe.rs` with these steps, which writes to `log`.
pub fn scribe(home: &Home, steps: &str) -> Program {
    home.cast(Path::new(SCRIBE), steps).set("ACTOR_STDOUT", home.path("log"))
}

/// The numbered lines that a scribe writes.
fn numbered(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("line {number}\n")).collect()
}

/// The log is not there, or nobody may read it.
fn unread(home: &Home, name: &str, why: &str) -> String {
    format!("error: cannot read the log {}: {why}\n", home.path(name).display())
}

const MISSING: &str = "No such file or directory; the daemon makes it when it starts, or at a `reload`; under systemd its lines \
                       may be in the journal: `journalctl -u actor`";

#[test]
fn the_last_ten_lines_are_shown_or_as_many_as_were_asked_for_whether_the_daemon_runs_or_not() {
    for output in ["direct", "relayed"] {
        let home = Home::new();
        start(&home, scribe(&home, "lines:20,begin:and more,ready,sleep").set("ACTOR_OUTPUT", output));
        if output == "relayed" {
            // Its thread keeps what has no end yet until it has one.
            stop(&home);
        }
        let shown = |words: &[&str]| scribe(&home, "").run(&[&["logs"], words].concat());
        shown(&[]).assert(0, &(numbered(11..20) + "and more"), "");
        for (words, first) in [(["-n", "3"], 18), (["-n", "+19"], 18), (["-n", "all"], 0), (["--lines", "+0"], 0)] {
            shown(&words).assert(0, &(numbered(first..20) + "and more"), "");
        }
        shown(&["-n", "0"]).assert(0, "", "");
        shown(&["-n", "+22"]).assert(0, "", "");
        shown(&["-n1000"]).assert(0, &(numbered(0..20) + "and more"), "");
    }
}

#[test]
fn bytes_that_are_no_text_and_lines_that_are_very_long_pass_as_they_are() {
    let home = Home::new();
    let long = vec![b'x'; 3_000_000];
    let lines: [&[u8]; 4] = [b"first\n", b"\xff\0\x1b[31m\r\n", &long, b"\nlast\xfe"];
    fs::write(home.path("log"), lines.concat()).expect("written");
    let mut program = scribe(&home, "");
    let shown = program.0.args(["logs", "-n", "3"]).output().expect("it runs");
    assert!(shown.status.success() && shown.stderr.is_empty());
    assert!(shown.stdout == lines[1..].concat());
}

#[test]
fn of_two_logs_each_has_its_title_and_one_for_both_streams_is_shown_once() {
    let home = Home::new();
    let program = || scribe(&home, "both:3,ready,sleep").set("ACTOR_STDERR", home.path("errors"));
    start(&home, program());
    let (log, errors) = (home.path("log"), home.path("errors"));
    let shown = format!(
        "==> {} <==\nout 1 of a line\nout 2 of a line\n\n==> {} <==\nerr 1 of a line\nerr 2 of a line\n",
        log.display(),
        errors.display()
    );
    program().run(&["logs", "-n2"]).assert(0, &shown, "");
    scribe(&home, "").set("ACTOR_STDERR", &log).run(&["logs", "-n1"]).assert(0, "out 2 of a line\n", "");
    fs::remove_file(&errors).expect("removed");
    let shown = format!("==> {} <==\nout 2 of a line\n", log.display());
    program().run(&["logs", "-n1"]).assert(1, &shown, &unread(&home, "errors", MISSING));
    std::os::unix::fs::symlink("log", &errors).expect("a link");
    program().run(&["logs", "-n1"]).assert(0, "out 2 of a line\n", "");
}

#[test]
fn a_log_that_stdout_goes_to_is_refused_and_does_not_grow() {
    let home = Home::new();
    for words in [["logs", "-n", "all"].as_slice(), &["logs", "-f"]] {
        fs::write(home.path("log"), "a line\n").expect("written");
        let log = File::options().append(true).open(home.path("log")).expect("there");
        let mut program = scribe(&home, "");
        let child = program.0.args(words).stdout(log).stderr(Stdio::piped()).spawn().expect("it runs");
        let why = "it is the file that stdout goes to, and would grow by what is shown of it; show it elsewhere";
        Told::of(child).assert(1, "", &unread(&home, "log", why));
        assert_eq!(home.read("log"), "a line\n");
    }
}

#[test]
fn of_several_logs_that_fail_the_exit_code_is_that_of_the_first() {
    let home = Home::new();
    let program = || home.cast(Path::new(SCRIBE), "").set("ACTOR_STDOUT", home.path("log"));
    fs::create_dir(home.path("folder")).expect("made");
    fs::write(home.path("log"), "secret\n").expect("written");
    fs::set_permissions(home.path("log"), Permissions::from_mode(0o000)).expect("ours");
    let program = program().set("ACTOR_STDERR", home.path("folder"));
    let root = nix::unistd::geteuid().is_root();
    let told = if root { home.as_nobody(program) } else { program }.run(&["logs"]);
    assert_eq!((told.code, told.stdout.as_str()), (4, ""), "{told:?}");
    assert!(told.stderr.contains("it is a folder") && told.stderr.contains("Permission denied"), "{told:?}");
}

#[test]
fn the_logs_of_all_instances_are_shown_by_one_command_or_those_of_one() {
    let home = Home::new();
    let crew = || {
        let program = home.cast(Path::new(env!("CARGO_BIN_EXE_crew")), "shows-its-parts").set("ACTOR_CREW", "2");
        program.set("ACTOR_PIDFILE", home.path("run/actor-{n}.pid")).set("ACTOR_STDOUT", home.path("log-{n}"))
    };
    assert_eq!(crew().run(&["start"]).code, 0);
    let (first, second) = (home.read("log-0"), home.read("log-1"));
    assert!(first.starts_with("actor-0 0 ") && second.starts_with("actor-1 1 "), "{first}{second}");
    let title = |name: &str| format!("==> {} <==\n", home.path(name).display());
    crew().run(&["logs"]).assert(0, &[&title("log-0"), &first, "\n", &title("log-1"), &second].concat(), "");
    crew().run(&["logs", "--instance", "1"]).assert(0, &second, "");
}

#[test]
fn the_builder_returns_the_lines_and_a_program_that_is_its_daemon_has_the_action_too() {
    let home = Home::new();
    fs::write(home.path("log"), numbered(0..12)).expect("written");
    let builder = || home.cast(Path::new(env!("CARGO_BIN_EXE_builder")), "").set("ACTOR_STDOUT", home.path("log"));
    let told = builder().run(&["logs"]);
    let text = numbered(2..12).into_bytes();
    let lines = format!("logs: [LogLines {{ name: {:?}, text: {text:?} }}]\n", home.path("log"));
    told.assert(0, &lines, "");
    fs::remove_file(home.path("log")).expect("removed");
    assert!(builder().run(&["logs"]).stdout.starts_with("logs: "));
    let whole = || home.program(Path::new(env!("CARGO_BIN_EXE_whole_program")));
    assert_eq!(whole().run(&["start"]).code, 0);
    whole().run(&["logs"]).assert(0, "whole_program works\n", "");
    assert_eq!(whole().run(&["stop"]).code, 0);
}

#[test]
fn a_log_that_is_empty_missing_or_no_file_is_told_as_such() {
    let home = Home::new();
    let told = |name: &str| scribe(&home, "").set("ACTOR_STDOUT", home.path(name)).run(&["logs"]);
    fs::write(home.path("empty"), "").expect("written");
    let nothing = format!("warning: there is nothing in {} yet\n", home.path("empty").display());
    told("empty").assert(0, "", &nothing);
    told("missing").assert(1, "", &unread(&home, "missing", MISSING));
    told("none/missing").assert(1, "", &unread(&home, "none/missing", MISSING));
    fs::create_dir(home.path("folder")).expect("made");
    fifo(&home, "fifo");
    let _socket = std::os::unix::net::UnixListener::bind(home.path("socket")).expect("bound");
    for (name, found) in [
        ("folder", "it is a folder"),
        ("fifo", "it is a FIFO, whose lines are gone when they are read"),
        ("socket", "it is a socket or has no device"),
        ("../../dev/zero", "it is a device"),
    ] {
        let refused = told(name);
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{name}");
        let why = format!(": {found}; only of a file there are lines to be shown\n");
        assert!(refused.stderr.ends_with(&why), "{name}: {}", refused.stderr);
    }
}

#[test]
fn a_path_with_what_a_terminal_would_not_show_is_told_on_one_line() {
    let home = Home::new();
    let told = scribe(&home, "").set("ACTOR_STDOUT", home.path("a\nb\x1b[2J")).run(&["logs"]);
    let path = format!("{:?}", home.path("a\nb\x1b[2J"));
    told.assert(1, "", &format!("error: cannot read the log {path}: {MISSING}\n"));
}

#[test]
fn who_may_not_read_the_log_is_told_who_may_and_4() {
    let home = Home::new();
    fs::write(home.path("log"), "secret\n").expect("written");
    fs::set_permissions(home.path("log"), Permissions::from_mode(0o000)).expect("ours");
    let program = scribe(&home, "");
    let root = nix::unistd::geteuid().is_root();
    let told = if root { home.as_nobody(program) } else { program }.run(&["logs"]);
    assert_eq!((told.code, told.stdout.as_str()), (4, ""), "{told:?}");
    let begin = unread(&home, "log", "Permission denied; it belongs to ");
    assert!(told.stderr.starts_with(begin.trim_end()), "{}", told.stderr);
    assert!(told.stderr.ends_with("with mode 0000: ask as who may read it, or as root\n"), "{}", told.stderr);
    if is_root("who_may_not_read_the_log_is_told_who_may_and_4") {
        scribe(&home, "").run(&["logs"]).assert(0, "secret\n", "");
    }
}

#[test]
fn where_the_lines_go_that_cannot_be_shown_is_told_with_3() {
    let home = Home::new();
    let program = || home.cast(Path::new(SCRIBE), "");
    let refused = |program: Program, why: &str| {
        let told = program.run(&["logs"]);
        assert_eq!((told.code, told.stdout.as_str()), (3, ""), "{told:?}");
        assert!(told.stderr.starts_with("error: ") && told.stderr.contains(why), "{}", told.stderr);
    };
    refused(program(), "goes nowhere, so there are no lines to show; give it a log, like `stdout = \"");
    refused(program().set("ACTOR_STDOUT", "/dev/null"), "what actor prints goes nowhere");
    refused(program().set("ACTOR_STDERR", "syslog"), "stderr of actor goes to the system's log");
    refused(
        program().set("ACTOR_STDOUT", "/dev/stdout"),
        "stdout of actor is /dev/stdout, which is what it was opened with",
    );
    // What can be shown is shown.
    fs::write(home.path("log"), "a line\n").expect("written");
    let told = scribe(&home, "").set("ACTOR_STDERR", "syslog").run(&["logs"]);
    assert_eq!((told.code, told.stdout.as_str()), (3, "a line\n"), "{told:?}");
}

#[test]
fn without_a_journalctl_it_is_told_how_it_would_have_been_run() {
    let home = Home::new();
    let told =
        home.cast(Path::new(SCRIBE), "").set("ACTOR_STDOUT", "journal").set("PATH", home.path("")).run(&["logs"]);
    let error = "error: cannot run `journalctl --identifier=actor`, which shows the lines that go to the journal: No such file or \
                 directory\n";
    told.assert(1, "", error);
}

#[test]
fn what_stdout_does_not_take_is_told_and_a_closed_pipe_is_not() {
    let home = Home::new();
    fs::write(home.path("log"), numbered(0..100_000)).expect("written");
    let mut program = scribe(&home, "");
    let full = File::options().write(true).open("/dev/full").expect("there");
    let child = program.0.args(["logs", "-n", "all"]).stdout(full).stderr(Stdio::piped()).spawn().expect("it runs");
    Told::of(child).assert(1, "", "error: cannot write to stdout: No space left on device\n");
    let mut child = scribe(&home, "").spawn(&["logs", "-n", "all"]);
    drop(child.stdout.take());
    Told::of(child).assert(0, "", "");
}

#[test]
fn since_a_time_or_a_span_back_only_younger_lines_are_shown_with_those_that_belong_to_them() {
    let home = Home::new();
    let steps = "out:begun,out:2020-01-01T10:00:00Z old,out:  more of it,out:[2020-01-02 10:00:00] second,out:  more of it,\
                 out:<6>2999-01-01 00:00:00 young,out:  its own,ready,sleep";
    let program = || scribe(&home, steps).set("TZ", "XYZ-5");
    start(&home, program());
    let second = "[2020-01-02 10:00:00] second\n  more of it\n";
    let young = "<6>2999-01-01 00:00:00 young\n  its own\n";
    let shown = |since: &str, more: &[&str]| program().run(&[&["logs", "--since", since], more].concat());
    for since in ["1h", "2d 3h", "2020-01-02 10:00:01", "2020-01-02T05:00:01Z"] {
        shown(since, &[]).assert(0, young, "");
    }
    for since in ["2020-01-02 10:00", "2020-01-02T05:00:00Z", "2020-01-02", "2020-01-02T06:00:00+01:00"] {
        shown(since, &[]).assert(0, &format!("{second}{young}"), "");
    }
    shown("2999-01-01T00:00:01Z", &[]).assert(0, "", "");
    shown("2020-01-02", &["-n", "3"]).assert(0, &format!("  more of it\n{young}"), "");
    shown("2020-01-02 10:00:01", &["-n", "+2"]).assert(0, young, "");
    shown("2019-12-31", &[]).assert(0, &home.read("log"), "");
}

#[test]
fn since_a_time_a_log_without_any_is_an_error_unless_it_was_last_written_before() {
    let home = Home::new();
    start(&home, scribe(&home, "lines:20,ready,sleep"));
    let told = scribe(&home, "").run(&["logs", "--since", "10m"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""), "{told:?}");
    let error = format!("error: no line of {} begins with a time that `--since`", home.path("log").display());
    assert!(told.stderr.starts_with(&error) && told.stderr.contains("by `-n`"), "{}", told.stderr);
    stop(&home);
    let log = File::options().append(true).open(home.path("log")).expect("there");
    log.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("ours");
    scribe(&home, "").run(&["logs", "--since", "10m"]).assert(0, "", "");
}

#[test]
fn of_a_log_of_many_gigabytes_no_more_is_read_than_is_shown() {
    use std::io::Write;
    let home = Home::new();
    let mut log = File::create(home.path("log")).expect("made");
    // A hole: to read it all would take longer than the test waits.
    log.set_len(4 << 40).expect("a file may have holes");
    log = File::options().append(true).open(home.path("log")).expect("there");
    log.write_all(b"\n2020-01-01T00:00:00Z old\n2999-01-01T00:00:00Z young\n").expect("written");
    scribe(&home, "").run(&["logs", "-n2"]).assert(0, "2020-01-01T00:00:00Z old\n2999-01-01T00:00:00Z young\n", "");
    scribe(&home, "").run(&["logs", "--since", "1h"]).assert(0, "2999-01-01T00:00:00Z young\n", "");
}
