//! A program that has become a daemon, and what it does afterwards: it forks, has threads, reloads, holds a claim of its own.

use std::fs;

use crate::becoming::becoming;
use crate::home::{Home, eventually};

#[test]
fn a_child_that_the_program_forks_releases_nothing_and_calls_no_hook() {
    for (step, ended) in [("forks", 0), ("forks-and-closes", 0)] {
        let home = Home::new();
        let steps = format!("ready,{step},note:go on,await");
        let told = becoming(&home, &steps).set("ACTOR_STDERR", home.path("log")).run(&["detach"]);
        told.assert(0, "", "");
        let pid = home.pid();
        eventually("the child's end", || home.lines("notes").len() == 2);
        assert!(
            home.lines("notes")[0].ends_with(&format!(", {ended}))")),
            "{}: {}",
            home.read("notes"),
            home.read("log")
        );
        assert_eq!((home.read("last-words"), home.read("log")), (String::new(), String::new()), "{step}");
        let status = becoming(&home, "").run(&["status", "--fields", "pid"]);
        status.assert(0, &format!("actor -- pid: {pid}\n"), "");
        becoming(&home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        home.assert_nothing_left();
        assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
    }
}

#[test]
fn a_program_with_threads_becomes_one_by_being_begun_anew() {
    let home = Home::new();
    let becoming = |steps: &str| becoming(&home, steps).set("ACTOR_THREADS", "").set("ACTOR_DETACH", "exec");
    becoming("note:here,ready,sleep").run(&["detach"]).assert(0, "", "");
    eventually("its note", || home.lines("notes") == ["here"]);
    becoming("").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    let failure = "error: the worker ended with exit code 7 before it was ready\n";
    becoming("exits:7").run(&["detach"]).assert(7, "", failure);
    home.assert_nothing_left();
}

#[test]
fn the_log_is_the_daemons_from_the_first_line_after_it() {
    let home = Home::new();
    let becoming = becoming(&home, "say:before\n,complain:early\n,ready,say:after\n,complain:late\n,exits:0");
    let becoming = becoming.set("ACTOR_STDOUT", home.path("out")).set("ACTOR_STDERR", home.path("err"));
    becoming.run(&["detach"]).assert(0, "", "");
    home.assert_nothing_left();
    let log = |name| fs::read_to_string(home.path(name)).expect("it is there");
    assert_eq!((log("out").as_str(), log("err").as_str()), ("before\nafter\n", "early\nlate\n"));
}

#[test]
fn it_can_reload_and_comes_back_as_the_daemon_that_it_was() {
    for (action, detach) in [("detach", "true"), ("detach", "exec"), ("launch", "true"), ("launch", "exec")] {
        let home = Home::new();
        let steps = "notes-itself,ready,reloads,note:again,sleep";
        let program = becoming(&home, steps).set("ACTOR_DETACH", detach).set("ACTOR_END", home.path("end"));
        assert_eq!(program.run(&[action]).code, 0);
        let pid = home.pid();
        eventually("its second image", || home.lines("notes").last().is_some_and(|line| line == "again"));
        let itself = format!("Some(({pid}, \"actor\")) in {pid}");
        assert_eq!(home.lines("notes").iter().filter(|line| **line == itself).count(), 2, "{}", home.read("notes"));
        becoming(&home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        home.assert_nothing_left();
        assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
    }
}

#[test]
fn one_that_claims_its_pidfile_itself_can_be_begun_anew_as_well() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        let program = becoming(&home, "ready,sleep").set("ACTOR_CLAIMS", home.pidfile()).set("ACTOR_DETACH", detach);
        program.run(&["detach"]).assert(0, "", "");
        becoming(&home, "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        home.assert_nothing_left();
    }
}

#[test]
fn one_that_claims_its_pidfile_itself_can_reload_as_well() {
    let home = Home::new();
    let steps = "note:image,ready,reloads,note:again,sleep";
    let program = becoming(&home, steps).set("ACTOR_CLAIMS", home.pidfile()).set("ACTOR_END", home.path("end"));
    program.set("ACTOR_STDERR", home.path("log")).run(&["detach"]).assert(0, "", "");
    let pid = home.pid();
    eventually("its second image, or an error", || {
        home.lines("notes").last().is_some_and(|line| line == "again") || !home.read("log").is_empty()
    });
    assert_eq!(home.read("log"), "");
    becoming(&home, "").run(&["status", "--fields", "pid"]).assert(0, &format!("actor -- pid: {pid}\n"), "");
}
