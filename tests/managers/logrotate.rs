//! logrotate(8): with `create` and a `reload` no line is lost, torn, or written twice; with `copytruncate` none but those that
//! come between its copying and its truncating. `logs -f` shows them all.

use std::fs;
use std::path::Path;

use crate::follower::Follower;
use crate::home::{Home, Program, eventually, is_over};
use crate::tool::{are_there, tool};

const SCRIBE: &str = env!("CARGO_BIN_EXE_scribe");

/// How often the log is rotated while somebody writes to it as fast as he can.
const ROTATIONS: usize = 5;

/// The daemon of `tests/fixtures/scribe.rs`, which writes numbered lines without end.
fn writer(home: &Home, output: &str) -> Program {
    let program = home.cast(Path::new(SCRIBE), "ready,numbers").set("ACTOR_STDOUT", home.path("log"));
    program.set("ACTOR_OUTPUT", output)
}

fn write_config(home: &Home, how: &str) {
    let log = home.path("log").display().to_string();
    let config = format!("{log} {{\n    rotate 100\n    nocompress\n{how}}}\n");
    fs::write(home.path("logrotate.conf"), config).expect("written");
}

/// Rotates once, by the configuration that was written.
#[track_caller]
fn rotate(home: &Home, output: &str) {
    let (state, config) = (home.path("state"), home.path("logrotate.conf"));
    let mut logrotate = tool(home, "logrotate");
    // What `postrotate` runs is told which daemon it is.
    for (key, value) in writer(home, output).0.get_envs() {
        logrotate = value.into_iter().fold(logrotate, |program, value| program.set(&key.to_string_lossy(), value));
    }
    let words = ["--force", "--state", state.to_str().expect("text"), config.to_str().expect("text")];
    let told = logrotate.run(&words);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
}

fn length(home: &Home, name: &str) -> u64 {
    fs::metadata(home.path(name)).map_or(0, |file| file.len())
}

/// The texts of the files that there are in the end, from the oldest one on.
fn files(home: &Home) -> Vec<String> {
    let name = |at: usize| if at == 0 { "log".to_owned() } else { format!("log.{at}") };
    (0..=ROTATIONS).rev().map(|at| home.read(&name(at))).collect()
}

/// The numbers of the lines; each line is whole.
#[track_caller]
fn numbers(text: &str) -> Vec<u64> {
    assert!(text.ends_with('\n'), "torn: {:?}", text.lines().last());
    let number = |line: &str| line.strip_prefix("line ").and_then(|number| number.parse().ok());
    text.lines().map(|line| number(line).unwrap_or_else(|| panic!("torn: {line:?}"))).collect()
}

/// Runs the writer, rotates time and again, and stops it; how many lines it wrote.
#[track_caller]
fn live(home: &Home, output: &str) -> u64 {
    let told = writer(home, output).run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    let pid = home.pid();
    for _ in 0..ROTATIONS {
        eventually("some lines", || length(home, "log") > 100_000);
        rotate(home, output);
    }
    eventually("some lines", || length(home, "log") > 100_000);
    writer(home, output).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    eventually("its end", || is_over(pid));
    home.assert_nothing_left();
    let notes = home.lines("notes");
    notes.iter().find_map(|line| line.strip_suffix(" lines")?.parse().ok()).expect("it has counted them")
}

#[test]
fn with_create_and_a_reload_every_line_is_there_once_and_in_order() {
    if !are_there("with_create_and_a_reload_every_line_is_there_once_and_in_order", &["logrotate"]) {
        return;
    }
    for output in ["direct", "relayed"] {
        let home = Home::new();
        write_config(&home, &format!("    create\n    postrotate\n        {SCRIBE} reload\n    endscript\n"));
        let count = live(&home, output);
        let files: Vec<_> = files(&home).iter().map(|text| numbers(text)).collect();
        assert!(files.iter().all(|numbers| !numbers.is_empty()), "{output}");
        assert!(files.concat().into_iter().eq(0..count), "{output}");
    }
}

#[test]
fn with_copytruncate_there_are_no_holes_and_nothing_is_lost_after_the_truncation() {
    if !are_there("with_copytruncate_there_are_no_holes_and_nothing_is_lost_after_the_truncation", &["logrotate"]) {
        return;
    }
    for output in ["direct", "relayed"] {
        let home = Home::new();
        write_config(&home, "    copytruncate\n");
        let count = live(&home, output);
        let mut texts = files(&home);
        for copy in texts.iter_mut().take(ROTATIONS) {
            // It ends where logrotate has read to, which may be within the line that was just being written.
            copy.truncate(copy.rfind('\n').map_or(0, |end| end + 1));
        }
        let files: Vec<_> = texts.iter().map(|text| numbers(text)).collect();
        for numbers in &files {
            let first = *numbers.first().expect("some lines");
            assert!(numbers.iter().copied().eq(first..first + numbers.len() as u64), "{output}: a gap within a file");
        }
        let all = files.concat();
        assert!(all.is_sorted_by(|one, next| one < next), "{output}");
        assert_eq!((all.first(), all.last()), (Some(&0), Some(&(count - 1))), "{output}");
    }
}

#[test]
fn a_log_that_is_followed_is_shown_line_by_line_each_once_over_create_and_over_copytruncate() {
    let test = "a_log_that_is_followed_is_shown_line_by_line_each_once_over_create_and_over_copytruncate";
    if !are_there(test, &["logrotate"]) {
        return;
    }
    let create = format!("    create\n    postrotate\n        {SCRIBE} reload\n    endscript\n");
    for how in [create.as_str(), "    copytruncate\n"] {
        let home = Home::new();
        let ticking = || writer(&home, "direct").set("ACTOR_EVERY", "1ms");
        write_config(&home, how);
        assert_eq!(ticking().run(&["start"]).code, 0);
        let follower = Follower::begin(ticking(), &["-n", "all"]);
        for _ in 0..ROTATIONS {
            let before = follower.shown().len();
            eventually("some lines", || follower.shown().len() > before + 200);
            // What is written between the copying and the truncating is lost to everybody.
            assert_eq!(ticking().run(&["pause"]).code, 0);
            eventually("all of it", || follower.shown().ends_with(&home.read("log")));
            rotate(&home, "direct");
            assert_eq!(ticking().run(&["resume"]).code, 0);
        }
        ticking().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        let all = files(&home).concat();
        eventually("the last line", || follower.shown().len() >= all.len());
        follower.shows(&all);
        follower.ends_silently();
    }
}
