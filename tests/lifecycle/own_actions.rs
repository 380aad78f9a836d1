//! Actions and flags of the program's own, beside those that every daemon has.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, catches, eventually};

/// The program of `tests/fixtures/own.rs`.
fn own(home: &Home) -> Program {
    home.program(Path::new(env!("CARGO_BIN_EXE_own")))
}

#[test]
fn the_help_lists_them_with_their_texts_and_dashes() {
    let home = Home::new();
    let told = own(&home).run(&["--help"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let line = |name: &str| {
        let found = told.stdout.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{name} ")));
        found.unwrap_or_else(|| panic!("{name} in {}", told.stdout)).trim().to_owned()
    };
    assert_eq!(["flush-cache", "check"].map(line), ["Empties the cache", "Looks whether all is well"]);
    assert!(!line("plain").is_empty() && !line("start").is_empty());
    let told = own(&home).run(&["check", "--help"]);
    assert!(told.code == 0 && told.stdout.contains("At length."), "{told:?}");
}

#[test]
fn an_action_is_done_in_the_process_that_was_run_and_gives_its_exit_code() {
    let home = Home::new();
    own(&home).run(&["flush-cache"]).assert(0, "flushed\n", "");
    own(&home).run(&["plain"]).assert(0, "", "");
    own(&home).run(&["check"]).assert(1, "", "error: the cache is cold\n");
    home.assert_nothing_left();
}

#[test]
fn an_action_works_beside_a_daemon_that_runs_and_leaves_it_alone() {
    let home = Home::new();
    assert_eq!(own(&home).run(&["start", "--port", "1"]).code, 0);
    let pid = home.pid();
    own(&home).run(&["flush-cache"]).assert(0, "flushed\n", "");
    own(&home).run(&["check"]).assert(1, "", "error: the cache is cold\n");
    assert_eq!(home.processes(), [pid]);
    assert_eq!(home.lines("log"), ["1 hello there []"]);
}

#[test]
fn an_action_that_there_is_not_is_answered_with_all_that_there_are() {
    let home = Home::new();
    let actions = "The actions are start, stop, restart, reload, status, run, logs, unit, flush-cache, check, plain, completions, man.\n";
    let told = own(&home).run(&["no-such-thing"]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""));
    assert!(told.stderr.contains("Usage: ") && told.stderr.ends_with(actions), "{told:?}");
    for words in [&["flush-cache", "now"][..], &["flush-cache", "--port", "1"], &[]] {
        let told = own(&home).run(words);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{words:?}");
        assert!(told.stderr.contains("Usage: "), "{told:?}");
    }
}

#[test]
fn the_workers_flags_are_flags_of_the_actions_that_begin_it_and_of_no_other() {
    let home = Home::new();
    for action in ["start", "restart", "run", "stop", "status", "reload", "check"] {
        let told = own(&home).run(&[action, "--help"]);
        let begins = ["start", "restart", "run"].contains(&action);
        let flags =
            ["--port <PORT>", "Where it listens", "--greeting <GREETING>", "[default: \"hello there\"]", "--tag"];
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        assert!(flags.iter().all(|flag| told.stdout.contains(flag) == begins), "{}", told.stdout);
    }
}

#[test]
fn a_text_of_the_flags_takes_no_place_of_what_an_action_does() {
    let home = Home::new();
    let told = own(&home).run(&["--help"]);
    assert!(told.stdout.contains("Start the daemon, and tell how that came out"), "{}", told.stdout);
    assert!(!told.stdout.contains("What the worker can be told"), "{}", told.stdout);
    assert!(own(&home).run(&["start", "--help"]).stdout.starts_with("Start the daemon, and tell how that came out\n"));
}

#[test]
fn a_flag_that_must_be_given_and_one_that_cannot_be_are_mistakes_of_the_command_line() {
    let home = Home::new();
    for action in ["start", "restart", "run"] {
        for (words, reason) in
            [(&[][..], "--port <PORT>"), (&["--port", "many"], "many"), (&["--port", "1", "--sort"], "--sort")]
        {
            let told = own(&home).run(&[&[action], words].concat());
            assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{action} {words:?}");
            assert!(told.stderr.contains(reason), "{told:?}");
        }
    }
    home.assert_nothing_left();
}

#[test]
fn a_mistake_of_a_restart_does_not_stop_the_daemon_that_runs() {
    let home = Home::new();
    assert_eq!(own(&home).run(&["start", "--port", "1"]).code, 0);
    let pid = home.pid();
    assert_eq!(own(&home).run(&["restart"]).code, 2);
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn the_values_reach_the_worker_in_the_background_and_after_a_restart_and_a_reload() {
    let home = Home::new();
    let words = ["--port", "7", "--greeting", "good day", "--tag", "a", "--tag=b c"];
    let line = r#"7 good day ["a", "b c"]"#;
    assert_eq!(own(&home).run(&[&["start"], &words[..]].concat()).code, 0);
    assert_eq!(home.lines("log"), [line]);
    let pid = home.pid();
    eventually("a handler", || catches(pid, Signal::SIGUSR1));
    kill(Pid::from_raw(pid), Signal::SIGUSR1).expect("it is there");
    eventually("the next image", || home.lines("log") == [line; 2]);
    assert_eq!(own(&home).run(&["restart", "--port", "8"]).code, 0);
    assert_eq!(home.lines("log"), [line, line, "8 hello there []"]);
    own(&home).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn the_values_reach_the_worker_in_the_foreground_and_debug_is_another_word_for_it() {
    for words in [&["run"][..], &["start", "--foreground"], &["start", "--debug"], &["restart", "--debug"]] {
        let home = Home::new();
        let child = own(&home).spawn(&[words, &["--port", "7"]].concat());
        let pid = i32::try_from(child.id()).expect("a pid");
        eventually("its handlers", || home.pidfile().exists() && catches(pid, Signal::SIGTERM));
        assert_eq!(home.pid(), pid);
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it is our child");
        let told = Told::of(child);
        assert!(told.code == 0 && told.stdout.contains("7 hello there []\n"), "{words:?}: {told:?}");
        home.assert_nothing_left();
    }
    let home = Home::new();
    assert!(own(&home).run(&["start", "--help"]).stdout.contains("--debug"));
}
