//! Programs that were written for another crate: what they do, they do with this one.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::home::{Home, NOBODY, Program, eventually, is_root};

fn example(home: &Home, name: &str) -> Program {
    home.example(name).set("DAEMONIZE_FOLDER", home.path("run"))
}

/// Starts it, and waits for its end, which need not come before the launcher's on a slow machine.
#[track_caller]
fn live(home: &Home, name: &str) {
    example(home, name).run(&[]).assert(0, "", "");
    eventually("its end", || home.processes().is_empty());
}

/// The code of an example, without what its head says.
fn code(source: &str) -> &str {
    source.find("\nuse ").and_then(|at| source.get(at + 1..)).expect("it uses something")
}

#[test]
fn the_documentation_shows_the_programs_as_they_are() {
    let documentation = include_str!("../../daemon-runtime/doc/migration.md");
    for source in
        [include_str!("../../examples/daemonize_simple.rs"), include_str!("../../examples/daemonize_complex.rs")]
    {
        assert!(documentation.contains(code(source)), "{source}");
    }
}

#[test]
fn simple_goes_on_as_a_daemon_and_leaves_only_its_logs() {
    let home = Home::new();
    for round in 1..=2 {
        live(&home, "daemonize_simple");
        assert_eq!(home.lines("run/daemon.out"), vec!["Success, daemonized"; round]);
        assert_eq!(home.run_names(), ["daemon.err", "daemon.out"]);
    }
    assert_eq!(home.read("run/daemon.err"), "");
}

#[test]
fn simple_tells_at_the_terminal_why_it_is_no_daemon() {
    let home = Home::new();
    fs::write(home.path("file"), "").expect("written");
    let told = home.example("daemonize_simple").set("DAEMONIZE_FOLDER", home.path("file")).run(&[]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""));
    assert!(told.stderr.starts_with("Error, ") && told.stderr.contains("Not a directory"), "{told:?}");
    home.assert_nothing_left();
}

#[test]
fn complex_becomes_another_user_whose_logs_they_are() {
    if !is_root("complex_becomes_another_user_whose_logs_they_are") {
        return;
    }
    let home = Home::new();
    for round in 1..=2 {
        live(&home, "daemonize_complex");
        assert_eq!(home.lines("run/daemon.out"), vec!["Success, daemonized"; round]);
        // Where only root may remove it, it names nobody any more.
        assert_eq!(home.read("run/test.pid"), "");
    }
    let log = home.path("run/daemon.out").metadata().expect("there");
    assert_eq!((log.uid(), log.gid(), log.mode() & 0o7777), (NOBODY, 2, 0o640));
}

#[test]
fn complex_without_privileges_says_so_and_leaves_nothing() {
    let home = Home::new();
    let example = example(&home, "daemonize_complex");
    let example = if nix::unistd::geteuid().is_root() { home.as_nobody(example) } else { example };
    let told = example.run(&[]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""));
    assert!(told.stderr.starts_with("Error, "), "{told:?}");
    home.assert_nothing_left();
}
