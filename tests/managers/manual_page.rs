//! The manual page, as man(1), groff(1) and mandoc(1) read it.

use std::fs;
use std::path::Path;

use crate::home::{Home, Program};
use crate::tool::{are_there, says, tool};

/// The page of a program, written where the tools find it.
fn page(home: &Home, program: &Program) -> String {
    let told = home.program(Path::new(program.0.get_program())).run(&["man"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{program:?}");
    fs::write(home.path("page.8"), &told.stdout).expect("written");
    told.stdout
}

/// With flags and actions of its own, with instances, repeating, with paths from variables.
fn programs(home: &Home) -> [Program; 5] {
    let fixture = |path: &str| home.program(Path::new(path));
    [
        fixture(env!("CARGO_BIN_EXE_own")),
        fixture(env!("CARGO_BIN_EXE_crew")),
        fixture(env!("CARGO_BIN_EXE_whole_program")),
        home.example("load_recorder"),
        home.example("porter"),
    ]
}

#[test]
fn man_groff_and_mandoc_read_the_page_without_a_warning() {
    if !are_there("man_groff_and_mandoc_read_the_page_without_a_warning", &["man", "groff", "mandoc"]) {
        return;
    }
    let home = Home::new();
    let path = home.path("page.8").display().to_string();
    for program in programs(&home) {
        page(&home, &program);
        let told = tool(&home, "man").set("MAN_KEEP_STDERR", "1").run(&["--warnings", "-E", "UTF-8", "-l", &path]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{program:?}");
        says(&home, "groff", &["-man", "-Tutf8", "-ww", "-z", &path]).assert(0, "", "");
        says(&home, "mandoc", &["-T", "lint", "-W", "warning", &path]).assert(0, "", "");
    }
}

#[test]
fn the_page_has_its_sections_and_says_what_the_daemon_says_of_itself() {
    if !are_there("the_page_has_its_sections_and_says_what_the_daemon_says_of_itself", &["man"]) {
        return;
    }
    let home = Home::new();
    page(&home, &home.example("load_recorder"));
    let path = home.path("page.8").display().to_string();
    let told = tool(&home, "man").set("MANWIDTH", "1000").run(&["-E", "UTF-8", "-l", &path]);
    let headings = told.stdout.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ACTIONS", "EXIT STATUS", "FILES", "SIGNALS"];
    assert_eq!(headings.collect::<Vec<_>>(), sections, "{}", told.stdout);
    for line in [
        "load_recorder - Records the load and the memory of this machine as CSV, every two seconds",
        "load_recorder run-now [--timeout]",
        "Also as --debug.",
        "~/load_recorder.pid",
        "PIDFILE.record",
        "SIGTERM, SIGINT, SIGQUIT",
        "SIGRTMIN+10",
    ] {
        assert!(told.stdout.lines().any(|told| told.trim() == line), "{line}: {}", told.stdout);
    }
}

#[test]
fn what_man_says_the_name_is_for_is_found_by_whatis() {
    if !are_there("what_man_says_the_name_is_for_is_found_by_whatis", &["lexgrog"]) {
        return;
    }
    let home = Home::new();
    page(&home, &home.example("load_recorder"));
    let path = home.path("page.8").display().to_string();
    let about = "load_recorder - Records the load and the memory of this machine as CSV, every two seconds";
    says(&home, "lexgrog", &[&path]).assert(0, &format!("{path}: \"{about}\"\n"), "");
}
