//! Limits of descriptors, processes, file sizes and memory: each command either does its whole work, or says so and leaves
//! nothing.

use std::io::Write;
use std::process::Stdio;

use nix::sys::resource::Resource;

use crate::home::{Home, Program, Told, eventually, is_root};
use crate::surroundings::{assert_wholly_told, limited, start};

const FAILED: &str = "Starting actor ... FAILED\n";
const STOPPED: &str = "Stopping actor ... OK\n";

fn with_descriptors(program: Program, most: u64) -> Program {
    limited(program, Resource::RLIMIT_NOFILE, most)
}

fn too_many(what: &str, most: u64) -> String {
    format!("error: {what}: Too many open files: this process may have {most} (`ulimit -n`)\n")
}

/// A start that came out as it may: whole, or told with a reason that `is_told` knows, and with nothing left.
#[track_caller]
fn assert_whole_or_told(home: &Home, told: &Told, is_told: impl Fn(&str) -> bool) -> bool {
    if told.code == 0 {
        told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
        assert_wholly_told(&home.actor("ready").run(&["status"]), home.pid());
        return true;
    }
    assert!(is_told(&told.stderr), "{told:?}");
    home.assert_nothing_left();
    false
}

#[test]
fn with_eight_descriptors_a_start_names_what_it_could_not_open_and_the_limit() {
    let home = Home::new();
    let told = with_descriptors(home.actor("ready"), 8).run(&["start"]);
    // How far it comes is its own affair: the pidfile is claimed by then, and is given up again.
    told.assert(1, FAILED, &too_many("cannot open /dev/null for stdin", 8));
    home.assert_nothing_left();
}

#[test]
fn with_eight_descriptors_status_and_stop_do_their_whole_work() {
    let home = Home::new();
    let pid = start(&home, home.actor("ready"));
    let actor = || with_descriptors(home.actor("ready"), 8);
    assert_wholly_told(&actor().run(&["status"]), pid);
    actor().run(&["start"]).assert(0, "", &format!("warning: actor is already running with pid {pid}\n"));
    // What could not be started again is not stopped.
    actor().run(&["restart"]).assert(1, FAILED, &too_many("cannot open /dev/null for stderr", 8));
    assert_wholly_told(&actor().run(&["status"]), pid);
    actor().run(&["stop"]).assert(0, STOPPED, "");
    home.assert_nothing_left();
    actor().run(&["status"]).assert(3, "actor -- not running\n", "");
    actor().run(&["stop"]).assert(0, "", "warning: actor is not running\n");
}

/// Below that, the dynamic linker may be the one who tells.
fn is_told_of_descriptors(stderr: &str) -> bool {
    stderr.contains("Too many open files") || stderr.contains("error while loading shared libraries")
}

#[test]
fn with_any_number_of_descriptors_a_start_is_whole_or_told() {
    for detach in ["true", "exec"] {
        let mut whole = 0;
        for most in 3..26 {
            let home = Home::new();
            let actor = || with_descriptors(home.actor("ready").set("ACTOR_DETACH", detach), most);
            let is_whole = assert_whole_or_told(&home, &actor().run(&["start"]), is_told_of_descriptors);
            if is_whole {
                whole += 1;
                actor().run(&["stop"]).assert(0, STOPPED, "");
                home.assert_nothing_left();
            }
        }
        assert!(whole > 0, "{detach}: never");
    }
}

#[test]
fn with_any_number_of_descriptors_nobody_is_told_that_a_daemon_does_not_run_which_does() {
    let home = Home::new();
    let pid = start(&home, home.actor("ready"));
    for most in 3..12 {
        let actor = || with_descriptors(home.actor("ready"), most);
        let status = actor().run(&["status"]);
        let begins = format!("actor -- pid: {pid}, status: running");
        let is_true = (status.code == 0 && status.stdout.starts_with(&begins))
            || (status.code != 0 && status.stdout.is_empty() && is_told_of_descriptors(&status.stderr));
        assert!(is_true, "{most}: {status:?}");
        let started = actor().run(&["start"]);
        let already = format!("warning: actor is already running with pid {pid}\n");
        assert!(started.stderr == already || is_told_of_descriptors(&started.stderr), "{most}: {started:?}");
    }
    assert_wholly_told(&home.actor("ready").run(&["status"]), pid);
}

#[test]
fn with_any_number_of_descriptors_a_stop_stops_or_signals_nobody() {
    for most in 3..12 {
        let home = Home::new();
        let pid = start(&home, home.actor("ready"));
        let told = with_descriptors(home.actor("ready"), most).run(&["stop"]);
        if told.code == 0 {
            told.assert(0, STOPPED, "");
            home.assert_nothing_left();
        } else {
            assert!(is_told_of_descriptors(&told.stderr), "{most}: {told:?}");
            assert_wholly_told(&home.actor("ready").run(&["status"]), pid);
            assert!(home.lines("last-words").is_empty(), "{most}: it was signalled");
        }
    }
}

/// For the account without any rights, which may have so many processes.
fn with_processes(home: &Home, role: &str, most: u64) -> Program {
    std::os::unix::fs::chown(home.path("run"), Some(crate::home::NOBODY), None).expect("we are root");
    limited(home.as_nobody(home.actor(role)), Resource::RLIMIT_NPROC, most)
}

const NO_MORE: &str = "Resource temporarily unavailable\n";

#[test]
fn where_no_more_processes_may_be_every_way_to_start_says_so_and_leaves_nothing() {
    if !is_root("where_no_more_processes_may_be_every_way_to_start_says_so_and_leaves_nothing") {
        return;
    }
    let home = Home::new();
    let actor = || with_processes(&home, "ready", 1);
    actor().run(&["start"]).assert(1, FAILED, &format!("error: fork failed: {NO_MORE}"));
    home.assert_nothing_left();
    let anew = actor().set("ACTOR_DETACH", "exec").run(&["start"]);
    anew.assert(1, FAILED, &format!("error: cannot begin {} anew: {NO_MORE}", home.path("actor").display()));
    home.assert_nothing_left();
    let signals = format!("error: cannot set up the signals: {NO_MORE}");
    actor().run(&["start", "--foreground"]).assert(1, FAILED, &signals);
    actor().run(&["run"]).assert(1, "", &signals);
    home.assert_nothing_left();
}

#[test]
fn where_no_more_processes_may_be_status_and_stop_do_their_whole_work() {
    if !is_root("where_no_more_processes_may_be_status_and_stop_do_their_whole_work") {
        return;
    }
    let home = Home::new();
    let actor = || with_processes(&home, "ready", 1);
    std::os::unix::fs::chown(home.path("run"), Some(crate::home::NOBODY), None).expect("we are root");
    let unlimited = || home.as_nobody(home.actor("ready"));
    let pid = start(&home, unlimited());
    assert_wholly_told(&actor().run(&["status"]), pid);
    actor().run(&["start"]).assert(0, "", &format!("warning: actor is already running with pid {pid}\n"));
    let told = actor().run(&["restart"]);
    told.assert(1, &format!("{STOPPED}{FAILED}"), &format!("error: fork failed: {NO_MORE}"));
    home.assert_nothing_left();
    start(&home, unlimited());
    actor().run(&["stop"]).assert(0, STOPPED, "");
    home.assert_nothing_left();
}

#[test]
fn with_few_processes_a_start_is_whole_or_told() {
    if !is_root("with_few_processes_a_start_is_whole_or_told") {
        return;
    }
    // How many of them the account has just now is other tests' affair too: any of these may be enough or too few.
    for most in 1..8 {
        for detach in ["true", "exec"] {
            let home = Home::new();
            let told = with_processes(&home, "ready", most).set("ACTOR_DETACH", detach).run(&["start"]);
            assert_whole_or_told(&home, &told, |stderr| stderr.ends_with(NO_MORE));
        }
    }
}

fn without_file_growth(program: Program) -> Program {
    limited(program, Resource::RLIMIT_FSIZE, 0)
}

#[test]
fn where_no_file_may_grow_a_start_says_so_in_every_way_and_leaves_nothing() {
    let home = Home::new();
    let too_large = format!("error: cannot write the pidfile {}: File too large\n", home.pidfile().display());
    let actor = || without_file_growth(home.actor("ready"));
    for detach in ["true", "exec"] {
        actor().set("ACTOR_DETACH", detach).run(&["start"]).assert(1, FAILED, &too_large);
        home.assert_nothing_left();
    }
    actor().run(&["start", "--foreground"]).assert(1, FAILED, &too_large);
    home.assert_nothing_left();
    actor().run(&["run"]).assert(1, "", &too_large);
    home.assert_nothing_left();
    actor().run(&["status"]).assert(3, "actor -- not running\n", "");
    actor().run(&["stop"]).assert(0, "", "warning: actor is not running\n");
}

#[test]
fn where_there_is_room_for_the_pidfile_and_not_for_the_record_the_record_is_named() {
    let home = Home::new();
    let actor = limited(home.actor("ticks").set("ACTOR_EVERY", "1h"), Resource::RLIMIT_FSIZE, 64);
    let record = format!("{}.record", home.pidfile().display());
    actor.run(&["start"]).assert(1, FAILED, &format!("error: cannot make the record {record}: File too large\n"));
    home.assert_nothing_left();
}

#[test]
fn where_no_file_may_grow_status_and_stop_do_their_whole_work() {
    let home = Home::new();
    let pid = start(&home, home.actor("ready"));
    assert_wholly_told(&without_file_growth(home.actor("ready")).run(&["status"]), pid);
    without_file_growth(home.actor("ready")).run(&["stop"]).assert(0, STOPPED, "");
    home.assert_nothing_left();
}

#[test]
fn a_pidfile_that_may_not_grow_is_an_error_to_the_program_that_claims_it() {
    let home = Home::new();
    let claimant = home.cast(std::path::Path::new(env!("CARGO_BIN_EXE_claimant")), "");
    let mut claimant = without_file_growth(claimant);
    claimant.0.stdin(Stdio::piped());
    let mut child = claimant.spawn(&[]);
    let mut stdin = child.stdin.take().expect("it is a pipe");
    stdin.write_all(b"acquire\nseal\nrelease\n").expect("it reads");
    drop(stdin);
    let too_large = format!("cannot write the pidfile {}: File too large", home.pidfile().display());
    Told::of(child).assert(0, &format!("mine\n{too_large}\nreleased\n"), "");
    home.assert_nothing_left();
}

/// What is printed into a file that may not grow is lost. The exit code is not, and so is nobody.
#[test]
fn an_answer_that_cannot_be_written_does_not_end_the_command() {
    let home = Home::new();
    let into_a_file = |words: &[&str], most: u64| {
        let mut program = limited(home.actor("ready"), Resource::RLIMIT_FSIZE, most).0;
        let file = std::fs::File::create(home.path("answer")).expect("made");
        program.args(words).stdout(file.try_clone().expect("a copy")).stderr(file);
        let status = program.status().expect("it runs");
        (status.code(), home.read("answer"))
    };
    assert_eq!(into_a_file(&["status"], 0), (Some(3), String::new()));
    assert_eq!(into_a_file(&["stop"], 0), (Some(0), String::new()));
    assert_eq!(into_a_file(&["banana"], 0), (Some(2), String::new()));
    // The pidfile's and the claim's few bytes are allowed.
    assert_eq!(into_a_file(&["start"], 27), (Some(0), "Starting actor ... OK (pid ".to_owned()));
    assert_eq!(into_a_file(&["status"], 0), (Some(0), String::new()));
    assert_eq!(into_a_file(&["stop"], 0), (Some(0), String::new()));
    home.assert_nothing_left();
}

/// What the tests above would find: a program built on the crate daemonize says success, and there is nobody.
#[test]
fn a_success_that_is_none_is_found() {
    let home = Home::new();
    let liar = home.cast(std::path::Path::new(env!("CARGO_BIN_EXE_liar")), "");
    let told = without_file_growth(liar).run(&["start"]);
    eventually("its end", || home.processes().is_empty());
    assert_eq!((told.code, home.read("run/actor.pid")), (0, String::new()), "{told:?}");
    let found = std::panic::catch_unwind(|| assert_whole_or_told(&home, &told, |_| true));
    assert!(found.is_err());
}

#[test]
fn with_little_memory_a_start_is_whole_or_fails_and_leaves_nothing() {
    let mut whole = 0;
    for megabytes in [4, 6, 8, 10, 12, 16, 20, 24, 32, 64, 128, 256] {
        let home = Home::new();
        let told = limited(home.actor("ready"), Resource::RLIMIT_AS, megabytes << 20).run(&["start"]);
        // Where there is not even enough for the program's own beginning, the kernel or the linker ends it.
        whole += u32::from(assert_whole_or_told(&home, &told, |_| true));
    }
    assert!(whole > 0, "never");
}
