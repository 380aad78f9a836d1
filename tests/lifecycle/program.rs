//! A daemon whose worker is another program: its end is the daemon's, and so are its signals.

use std::fs;
use std::path::Path;
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, catches, eventually, is_over, numbers_in};

const FAILED: &str = "Starting actor ... FAILED\n";

/// The daemon of `tests/fixtures/supervisor.rs`, with the words of its program.
fn supervisor(home: &Home, words: &[&str]) -> Program {
    let program = home.cast(Path::new(env!("CARGO_BIN_EXE_supervisor")), "").set("ACTOR_PROGRAM", words.join("|"));
    // Folders that everybody may search, or "not found" would be "denied".
    program.set("PATH", "/usr/bin:/bin")
}

/// One whose program is a shell with this script.
fn shell(home: &Home, script: &str) -> Program {
    assert!(!script.contains('|'), "a bar parts words");
    supervisor(home, &["sh", "-c", script])
}

/// Starts it; daemon and program.
fn start(home: &Home, script: &str) -> (i32, i32) {
    let told = shell(home, script).set("ACTOR_SETTLE", "50ms").run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let daemon = home.pid();
    (daemon, child_of(daemon).expect("its program"))
}

fn child_of(parent: i32) -> Option<i32> {
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        fields.split(' ').nth(1) == Some(parent.to_string().as_str())
    };
    numbers_in("/proc").into_iter().find(is_child)
}

/// A script that notes each of these signals, and ends by `exit` when `$END` is there.
fn noting(signals: &[&str]) -> String {
    let traps: Vec<_> = signals.iter().map(|name| format!("trap 'echo {name} >>$ACTOR_NOTES' {name}; ")).collect();
    format!("{}echo up >>$ACTOR_NOTES; while :; do sleep 0.01; done", traps.concat())
}

fn stop(home: &Home, words: &[&str]) -> Told {
    shell(home, "").run(&[&["stop"], words].concat())
}

#[test]
fn the_programs_end_during_the_start_is_the_daemons() {
    let rows = [
        ("exit 7", 7, "error: the worker ended with exit code 7 before it was ready\n"),
        ("exit 255", 255, "error: the worker ended with exit code 255 before it was ready\n"),
        ("kill -KILL $$", 137, "error: the worker ended with exit code 137 before it was ready\n"),
        ("kill -TERM $$", 143, "error: the worker ended with exit code 143 before it was ready\n"),
    ];
    for (script, code, error) in rows {
        let home = Home::new();
        shell(&home, script).set("ACTOR_SETTLE", "1h").run(&["start"]).assert(code, FAILED, error);
        home.assert_nothing_left();
        assert_eq!(home.lines("last-words"), [format!("Exiting with non-zero exit code {code} [{code}]")]);
    }
    let home = Home::new();
    shell(&home, "exit 0").set("ACTOR_SETTLE", "1h").run(&["start"]).assert(0, "Starting actor ... OK (ended)\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"]);
}

#[test]
fn what_a_program_that_fails_at_once_wrote_to_stderr_is_shown() {
    let home = Home::new();
    let told = shell(&home, "echo no such luck >&2; exit 3").set("ACTOR_SETTLE", "1h").run(&["start"]);
    let error = "error: the worker ended with exit code 3 before it was ready\n";
    told.assert(3, FAILED, &format!("{error}what it wrote to stderr:\n  no such luck\n"));
    home.assert_nothing_left();
}

#[test]
fn a_program_that_cannot_be_run_is_a_failed_start_with_its_name() {
    let home = Home::new();
    fs::write(home.path("text"), "no program").expect("written");
    let text = home.path("text").display().to_string();
    let rows = [
        ("no-such-program", "No such file or directory"),
        ("/nowhere/at/all", "No such file or directory"),
        (text.as_str(), "Permission denied"),
    ];
    for (name, reason) in rows {
        let told = supervisor(&home, &[name]).run(&["start"]);
        told.assert(1, FAILED, &format!("error: cannot run {name}: {reason}\n"));
        home.assert_nothing_left();
    }
}

#[test]
fn its_words_arrive_as_they_were_given() {
    let home = Home::new();
    let words =
        ["sh", "-c", r#"printf '<%s>' "$@" >"$ACTOR_NOTES"; sleep 3600"#, "", "two words", "", "*", "$HOME", "'\""];
    assert_eq!(supervisor(&home, &words).set("ACTOR_SETTLE", "50ms").run(&["start"]).code, 0);
    eventually("its words", || home.read("notes") == "<two words><><*><$HOME><'\">");
}

#[test]
fn it_runs_in_the_daemons_session_folder_and_streams_with_nothing_else_open() {
    let home = Home::new();
    let told = supervisor(&home, &["sleep", "3600"]).set("ACTOR_STDOUT", home.path("log")).run(&["start"]);
    assert_eq!(told.code, 0, "{told:?}");
    let (daemon, program) = (home.pid(), child_of(home.pid()).expect("its program"));
    let session = |pid: i32| nix::unistd::getsid(Some(Pid::from_raw(pid))).expect("it is there");
    assert_eq!(session(daemon), session(program));
    let link = |name: &str| fs::read_link(format!("/proc/{program}/{name}")).expect("it is ours");
    assert_eq!((link("cwd").as_path(), link("fd/1")), (Path::new("/"), home.path("log")));
    let mut open = numbers_in(&format!("/proc/{program}/fd"));
    open.sort_unstable();
    assert_eq!(open, [0, 1, 2]);
    let status = fs::read_to_string(format!("/proc/{program}/status")).expect("it is ours");
    let mask = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(|text| text.trim().to_owned());
    assert_eq!(mask("SigBlk:").as_deref(), Some("0000000000000000"));
}

#[test]
fn a_stop_is_passed_on_as_the_stop_signal_and_the_daemon_ends_with_the_program() {
    let home = Home::new();
    let (daemon, program) = start(&home, "exec sleep 3600");
    stop(&home, &[]).assert(0, "Stopping actor ... OK\n", "");
    assert!(is_over(daemon) && is_over(program));
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);

    // It may end in its own way.
    let home = Home::new();
    let script = "trap 'echo asked >>$ACTOR_NOTES; exit 6' TERM; echo up >>$ACTOR_NOTES; while :; do sleep 0.01; done";
    start(&home, script);
    eventually("its trap", || home.lines("notes") == ["up"]);
    stop(&home, &[]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("notes"), ["up", "asked"]);
    assert_eq!(home.lines("last-words"), ["Exiting with non-zero exit code 6 [6]"]);
}

#[test]
fn another_stop_signal_is_the_one_that_the_program_gets() {
    let home = Home::new();
    let script = "trap 'echo asked >>$ACTOR_NOTES; exit 0' USR2; echo up >>$ACTOR_NOTES; while :; do sleep 0.01; done";
    let supervisor = || shell(&home, script).set("ACTOR_STOP_SIGNAL", "SIGUSR2");
    assert_eq!(supervisor().set("ACTOR_SETTLE", "50ms").run(&["start"]).code, 0);
    eventually("its trap", || home.lines("notes") == ["up"]);
    supervisor().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("notes"), ["up", "asked"]);
}

#[test]
fn a_program_that_ignores_the_stop_is_told_and_forced_it_leaves_nothing() {
    let home = Home::new();
    let (daemon, program) = start(&home, "trap '' TERM; echo up >>$ACTOR_NOTES; while :; do sleep 0.01; done");
    eventually("its trap", || home.lines("notes") == ["up"]);
    let told = stop(&home, &["--timeout", "200ms"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Stopping actor ... FAILED\n"));
    assert!(!is_over(daemon) && !is_over(program));
    let told = stop(&home, &["--timeout", "200ms", "--force"]);
    assert_eq!((told.code, told.stdout.as_str()), (0, "Stopping actor ... OK\n"), "{told:?}");
    eventually("the program's end", || is_over(program));
    home.assert_nothing_left();
}

#[test]
fn a_daemon_that_is_killed_leaves_no_program_behind() {
    let home = Home::new();
    let (daemon, program) = start(&home, "trap '' TERM HUP; while :; do sleep 0.01; done");
    kill(Pid::from_raw(daemon), Signal::SIGKILL).expect("it is there");
    eventually("the program's end", || is_over(program));
    assert_eq!(home.read("last-words"), "");
}

#[test]
fn a_program_that_is_killed_ends_the_daemon_with_its_signal() {
    let home = Home::new();
    let (daemon, program) = start(&home, "exec sleep 3600");
    kill(Pid::from_raw(program), Signal::SIGKILL).expect("it is there");
    eventually("the daemon's end", || is_over(daemon));
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Exiting with non-zero exit code 137 [137]"]);
}

#[test]
fn a_reload_and_the_signals_for_users_reach_a_program_that_handles_them() {
    let home = Home::new();
    let (daemon, program) = start(&home, &noting(&["HUP", "USR1", "USR2", "WINCH"]));
    eventually("its traps", || home.lines("notes") == ["up"] && catches(program, Signal::SIGWINCH));
    shell(&home, "").run(&["reload"]).assert(0, "Reloading actor ... OK\n", "");
    eventually("the hang-up", || home.lines("notes").last().is_some_and(|line| line == "HUP"));
    for (signal, name) in [(Signal::SIGUSR1, "USR1"), (Signal::SIGUSR2, "USR2"), (Signal::SIGWINCH, "WINCH")] {
        kill(Pid::from_raw(daemon), signal).expect("it is there");
        eventually(name, || home.lines("notes").last().is_some_and(|line| line == name));
    }
    assert!(!is_over(daemon) && !is_over(program));
}

#[test]
fn a_program_that_does_not_handle_these_signals_is_not_ended_by_them() {
    let home = Home::new();
    let (daemon, program) = start(&home, "exec sleep 3600");
    for signal in [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2] {
        kill(Pid::from_raw(daemon), signal).expect("it is there");
    }
    stop(&home, &[]).assert(0, "Stopping actor ... OK\n", "");
    assert!(is_over(program));
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

#[test]
fn a_reload_that_the_program_does_not_handle_is_told_as_one() {
    let home = Home::new();
    let (daemon, program) = start(&home, "exec sleep 3600");
    let told = shell(&home, "").run(&["reload"]);
    assert_eq!((told.code, told.stdout.as_str()), (3, ""), "{told:?}");
    assert!(told.stderr.contains(" does not handle SIGHUP, "), "{told:?}");
    assert!(!is_over(daemon) && !is_over(program));
}

/// Run in the foreground, until its program is there.
fn running(home: &Home, script: &str) -> (Child, i32) {
    let child = shell(home, script).spawn(&["run"]);
    let pid = i32::try_from(child.id()).expect("a pid");
    eventually("its program", || child_of(pid).is_some_and(|program| !catches(program, Signal::SIGTERM)));
    (child, child_of(pid).expect("its program"))
}

#[test]
fn in_the_foreground_the_exit_code_is_the_programs() {
    let home = Home::new();
    shell(&home, "echo words; echo complaints >&2; exit 7").run(&["run"]).assert(7, "words\n", "complaints\n");
    shell(&home, "kill -KILL $$").run(&["run"]).assert(137, "", "");
    supervisor(&home, &["no-such-program"]).run(&["run"]).assert(
        1,
        "",
        "error: cannot run no-such-program: No such file or directory\n",
    );
    home.assert_nothing_left();
    let (child, program) = running(&home, "exec sleep 3600");
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGTERM).expect("it is our child");
    Told::of(child).assert(0, "", "");
    assert!(is_over(program));
    home.assert_nothing_left();
}

#[test]
fn a_second_signal_ends_daemon_and_program_at_once() {
    let home = Home::new();
    let (daemon, program) = start(&home, "trap '' TERM INT; echo up >>$ACTOR_NOTES; while :; do sleep 0.01; done");
    eventually("its trap", || home.lines("notes") == ["up"]);
    kill(Pid::from_raw(daemon), Signal::SIGTERM).expect("it is there");
    kill(Pid::from_raw(daemon), Signal::SIGINT).expect("it is there");
    eventually("both ends", || is_over(daemon) && is_over(program));
    assert_eq!(home.lines("last-words").len(), 1);
}
