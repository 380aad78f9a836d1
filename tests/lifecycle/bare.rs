//! With no more than a path to run: without HOME, without PATH, without any variable, and in a directory that was deleted.

use std::fs;
use std::path::Path;

use crate::home::{Home, NOBODY, Program, Told, is_root};
use crate::settings::{before, skip};
use crate::surroundings::{assert_wholly_told, start};

const OK: &str = "Stopping actor ... OK\n";

/// The whole life of a daemon.
#[track_caller]
fn assert_lives(home: &Home, actor: impl Fn() -> Program) {
    let pid = start(home, actor());
    assert_wholly_told(&actor().run(&["status"]), pid);
    let told = actor().run(&["restart"]);
    told.assert(0, &format!("{OK}Starting actor ... OK (pid {})\n", home.pid()), "");
    actor().run(&["stop"]).assert(0, OK, "");
    home.assert_nothing_left();
}

#[test]
fn without_home_or_path_every_command_does_its_whole_work() {
    for detach in ["true", "exec"] {
        for missing in [&["HOME"][..], &["PATH"], &["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG"]] {
            let home = Home::new();
            assert_lives(&home, || {
                let mut program = home.actor("ready").set("ACTOR_DETACH", detach);
                for variable in missing {
                    program.0.env_remove(variable);
                }
                program
            });
        }
    }
}

/// A program without any settings, in an empty environment.
fn empty(home: &Home, words: &[&str]) -> Told {
    let mut program = home.program(Path::new(env!("CARGO_BIN_EXE_bare")));
    program.0.env_clear();
    program.run(words)
}

#[test]
fn in_an_empty_environment_a_daemon_without_a_pidfile_of_its_own_finds_its_place_by_the_account() {
    if !is_root("in_an_empty_environment_a_daemon_without_a_pidfile_of_its_own_finds_its_place_by_the_account") {
        return;
    }
    let home = Home::new();
    let name = format!("bare-{}", std::process::id());
    let told = empty(&home, &[&name, "start"]);
    let pid = fs::read_to_string(format!("/run/{name}.pid")).unwrap_or_default();
    let started = format!("Starting {name} ... OK (pid {})\n", pid.trim_end());
    let status = empty(&home, &[&name, "status", "--fields", "pid,environ"]);
    let stopped = empty(&home, &[&name, "stop"]);
    told.assert(0, &started, "");
    status.assert(0, &format!("{name} -- pid: {}, environ: {{}}\n", pid.trim_end()), "");
    stopped.assert(0, &format!("Stopping {name} ... OK\n"), "");
    assert!(!fs::exists(format!("/run/{name}.pid")).expect("asked"));
    assert!(!fs::exists(format!("/run/{name}.pid.claim")).expect("asked"));
}

#[test]
fn in_an_empty_environment_an_account_without_a_home_is_told_where_it_may_not_write() {
    if !is_root("in_an_empty_environment_an_account_without_a_home_is_told_where_it_may_not_write") {
        return;
    }
    let home = Home::new();
    let account = nix::unistd::User::from_uid(NOBODY.into()).expect("accounts can be looked up").expect("it is there");
    if account.dir.exists() {
        return skip("a test of an account without a home", "nobody has one here");
    }
    let mut program = home.as_nobody(home.program(Path::new(env!("CARGO_BIN_EXE_bare"))));
    program.0.env_clear();
    let folder = account.dir.join(".local/state");
    let error = format!("error: cannot open the folder {}: Permission denied\n", folder.display());
    program.run(&["bare", "start"]).assert(4, "Starting bare ... FAILED\n", &error);
}

/// Begun in a directory that is deleted before the program itself begins.
fn in_no_directory(home: &Home, program: Program) -> Program {
    let gone = home.path("gone");
    let _ = fs::create_dir(&gone);
    let mut program = program;
    program.0.current_dir(&gone);
    before(program, move || {
        Ok(nix::unistd::unlinkat(nix::fcntl::AT_FDCWD, &gone, nix::unistd::UnlinkatFlags::RemoveDir)?)
    })
}

#[test]
fn in_a_deleted_directory_every_command_does_its_whole_work() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        assert_lives(&home, || in_no_directory(&home, home.actor("ready").set("ACTOR_DETACH", detach)));
    }
}

#[test]
fn in_a_deleted_directory_a_relative_path_is_refused_and_named() {
    let home = Home::new();
    let gone = "the directory that it is relative to does not exist any more";
    for (key, name) in [("pidfile", "ACTOR_PIDFILE"), ("stdout", "ACTOR_STDOUT"), ("workdir", "ACTOR_WORKDIR")] {
        let told = in_no_directory(&home, home.actor("ready").set(name, "relative")).run(&["start"]);
        told.assert(1, "Starting actor ... FAILED\n", &format!("error: `{key} = \"relative\"` cannot be: {gone}\n"));
        home.assert_nothing_left();
    }
    for verb in ["status", "stop"] {
        let told = in_no_directory(&home, home.actor("ready").set("ACTOR_PIDFILE", "relative")).run(&[verb]);
        assert_eq!((told.code, told.stderr.contains(gone)), (1, true), "{told:?}");
    }
}

#[test]
fn a_daemon_whose_working_directory_is_deleted_goes_on_and_is_known() {
    let home = Home::new();
    fs::create_dir(home.path("work")).expect("made");
    let actor = || home.actor("ready").set("ACTOR_WORKDIR", home.path("work"));
    let pid = start(&home, actor());
    fs::remove_dir(home.path("work")).expect("removed");
    assert_wholly_told(&actor().run(&["status"]), pid);
    // What could not be started again is not stopped.
    let error = format!(
        "error: cannot enter the working directory {}: No such file or directory\n",
        home.path("work").display()
    );
    actor().run(&["restart"]).assert(1, "Starting actor ... FAILED\n", &error);
    assert_wholly_told(&actor().run(&["status"]), pid);
    actor().run(&["stop"]).assert(0, OK, "");
    home.assert_nothing_left();
}
