//! `launch`: both sides return, and the launcher has what the daemon wrote until it was ready.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::becoming::becoming;
use crate::home::{Home, Program, Told, catches, eventually, is_over};

const REFUSED: i32 = 9;

const WORDS: &str = "say:one\n two \n\n,flush,complain:three\n";

fn launched(home: &Home, output: &str, error: &str) -> String {
    format!("launched {}: {output:?} {error:?}\n", home.pid())
}

/// Where the streams go: nowhere, to a file each, and both to one.
fn with_streams(home: &Home, program: Program, streams: &str) -> Program {
    match streams {
        "files" => program.set("ACTOR_STDOUT", home.path("out")).set("ACTOR_STDERR", home.path("err")),
        "one" => program.set("ACTOR_STDOUT", home.path("out")).set("ACTOR_STDERR", home.path("out")),
        _ => program,
    }
}

#[test]
fn the_launcher_has_pid_output_and_error_exactly_as_they_were_written() {
    for (streams, output, error) in [
        ("nowhere", "one\n two \n\n", "three\n"),
        ("files", "one\n two \n\n", "three\n"),
        ("one", "", "one\n two \n\nthree\n"),
    ] {
        let home = Home::new();
        // What was in the logs before is none of it.
        for log in ["out", "err"] {
            fs::write(home.path(log), "from before\n").expect("written");
        }
        let program = with_streams(&home, becoming(&home, &format!("{WORDS},ready,sleep")), streams);
        let told = program.run(&["launch"]);
        told.assert(0, &launched(&home, output, error), "");
        assert_eq!(home.processes(), [home.pid()], "{streams}");
        match streams {
            "files" => assert_eq!(
                (home.read("out"), home.read("err")),
                (format!("from before\n{output}"), format!("from before\n{error}"),)
            ),
            "one" => assert_eq!(home.read("out"), format!("from before\n{error}")),
            _ => {}
        }
    }
}

#[test]
fn what_the_hooks_after_detaching_print_is_heard_too() {
    for streams in ["nowhere", "files", "one"] {
        let home = Home::new();
        let program = with_streams(&home, becoming(&home, &format!("{WORDS},ready,sleep")), streams);
        let told = program.set("ACTOR_HOOKS", "").run(&["launch"]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        for line in ["hook on stdout", "hook on stderr", "three"] {
            assert_eq!(told.stdout.matches(line).count(), 1, "{streams}: {told:?}");
        }
    }
}

#[test]
fn one_that_settles_is_heard_until_it_has() {
    let home = Home::new();
    let program = becoming(&home, &format!("{WORDS},sleep")).set("ACTOR_SETTLE", "300ms");
    let told = program.run(&["launch"]);
    told.assert(0, &launched(&home, "one\n two \n\n", "three\n"), "");
}

#[test]
fn what_is_written_after_ready_goes_to_the_logs_only() {
    let home = Home::new();
    let steps = "say:early\n,ready,await,say:late\n,flush,complain:later\n,note:written,sleep";
    let told = with_streams(&home, becoming(&home, steps), "files").run(&["launch"]);
    told.assert(0, &launched(&home, "early\n", ""), "");
    home.go();
    eventually("the rest", || home.lines("notes") == ["written"]);
    assert_eq!((home.read("out").as_str(), home.read("err").as_str()), ("early\nlate\n", "later\n"));
}

#[test]
fn a_daemon_that_writes_to_nowhere_after_ready_is_never_kept_waiting() {
    let home = Home::new();
    assert_eq!(becoming(&home, "ready,flood,flood,note:written,sleep").run(&["launch"]).code, 0);
    eventually("the end of the flood", || home.lines("notes") == ["written"]);
}

#[test]
fn more_than_a_pipe_holds_does_not_block_and_the_last_64_kib_are_kept() {
    for streams in ["nowhere", "files"] {
        let home = Home::new();
        let told = with_streams(&home, becoming(&home, "flood,ready,sleep"), streams).run(&["launch"]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        for (name, last) in [("out", "out 009999"), ("err", "err 009999")] {
            assert_eq!(told.stdout.matches(last).count(), 1, "{streams}: {last}");
            let lines = told.stdout.matches(&format!("{name} 00")).count();
            // Eleven bytes each.
            assert!((5_900..=5_957).contains(&lines), "{streams}: {lines} lines of {name}");
        }
    }
}

#[test]
fn a_start_that_fails_is_an_error_with_what_the_worker_wrote_and_leaves_nothing() {
    let late = "the daemon was not ready within 200ms, and was ended; `--timeout` or `start_timeout` gives it longer";
    let rows = [
        ("complain:words\n,exits:7", "auto", "the worker ended with exit code 7 before it was ready"),
        ("complain:words\n,dies:SIGKILL", "auto", "SIGKILL (9) ended the daemon before it was ready"),
        ("complain:words\n,exits:0", "notify", "the worker ended without ever calling `ready()`"),
        ("complain:words\n,sleep", "notify", late),
    ];
    for (steps, ready, error) in rows {
        let home = Home::new();
        let program = becoming(&home, steps).set("ACTOR_READY", ready).set("ACTOR_SETTLE", "1h");
        let program = if error == late { program.set("ACTOR_START_TIMEOUT", "200ms") } else { program };
        program.run(&["launch"]).assert(REFUSED, &format!("refused: {error}: Some(\"words\")\n"), "");
        home.assert_nothing_left();
    }
}

#[test]
fn an_early_refusal_is_an_error_without_anything_written() {
    let home = Home::new();
    let told = becoming(&home, "sleep").set("ACTOR_STDOUT", "/dev/null/log").run(&["launch"]);
    assert!(told.code == REFUSED && told.stdout.starts_with("refused: cannot open "), "{told:?}");
    home.assert_nothing_left();
}

#[test]
fn a_daemon_that_has_ended_well_is_told_as_ended_with_what_it_wrote() {
    let home = Home::new();
    let told = becoming(&home, &format!("{WORDS},exits:0")).set("ACTOR_SETTLE", "1h").run(&["launch"]);
    told.assert(0, "ended: \"one\\n two \\n\\n\" \"three\\n\"\n", "");
    home.assert_nothing_left();
}

#[test]
fn one_that_runs_already_is_told_with_its_pid() {
    let home = Home::new();
    assert_eq!(becoming(&home, "ready,sleep").run(&["launch"]).code, 0);
    let pid = home.pid();
    becoming(&home, "").run(&["launch"]).assert(0, &format!("already running {pid}\n"), "");
    assert_eq!(home.processes(), [pid]);
}

#[test]
fn a_child_that_keeps_the_pipe_keeps_nobody_waiting() {
    let home = Home::new();
    let told = becoming(&home, "say:early\n,flush,parent,ready,await,returns:0").run(&["launch"]);
    told.assert(0, &launched(&home, "early\n", ""), "");
    let pid = home.pid();
    home.go();
    eventually("the daemon's own end", || is_over(pid));
    assert_eq!(home.run_names(), Vec::<String>::new());
    // Nor the next start.
    assert_eq!(becoming(&home, "ready,sleep").run(&["launch"]).code, 0);
}

#[test]
fn an_interrupted_launch_is_an_error_and_leaves_nothing() {
    let home = Home::new();
    let launcher = becoming(&home, "sleep").set("ACTOR_READY", "notify").spawn(&["launch"]);
    eventually("the daemon", || home.pidfile().exists() && catches(home.pid(), Signal::SIGTERM));
    kill(Pid::from_raw(i32::try_from(launcher.id()).expect("a pid")), Signal::SIGINT).expect("it is our child");
    let error = "refused: the start was interrupted by SIGINT (2), and the daemon was ended: None\n";
    Told::of(launcher).assert(REFUSED, error, "");
    home.assert_nothing_left();
}

#[test]
fn without_detaching_the_caller_is_the_daemon() {
    let home = Home::new();
    let told = becoming(&home, "notes-itself,say:words\n,ready").set("ACTOR_DETACH", "false").run(&["launch"]);
    told.assert(0, "words\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"]);
}

#[test]
fn begun_anew_it_is_heard_as_well() {
    let home = Home::new();
    let program = becoming(&home, &format!("{WORDS},ready,sleep")).set("ACTOR_THREADS", "").set("ACTOR_DETACH", "exec");
    let told = program.set("ACTOR_HOOKS", "").run(&["launch"]);
    let (output, error) = ("hook on stdout\none\n two \n\n", "hook on stderr\nthree\n");
    told.assert(0, &launched(&home, output, error), "");
}
