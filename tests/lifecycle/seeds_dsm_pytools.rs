//! The three programs of the article on `dsm_pytools`, as the examples have them.

use std::time::{Duration, Instant};

use crate::examples::{assert_running, pid, start, stop};
use crate::home::{Home, eventually};
use crate::seeds::{DISK_FULL, assert_left, at_once, full_log};

const NAME: &str = "dmn_example";
const PIDFILE: &str = "daemon_example.pid";
const LOG: &str = "daemon_example.log";
const PROGRAMS: [&str; 3] = ["dsm_pytools_exec", "dsm_pytools_daemon", "dsm_pytools_repeat"];

fn already(pid: i32) -> String {
    format!("warning: dmn_example is already running with pid {pid}\n")
}

/// The life of each of them.
fn prints_its_lines(program: &str) {
    let home = Home::new();
    let example = || home.example(program);
    example().run(&["status"]).assert(3, "dmn_example -- not running\n", "");
    example().run(&["stop"]).assert(0, "", "warning: dmn_example is not running\n");

    let first = start(&home, example(), NAME, PIDFILE);
    eventually("the first line", || home.lines(LOG) == ["testing daemon ..."]);
    assert_running(&example().run(&["status"]), NAME, first);
    example().run(&["start"]).assert(0, "", &already(first));

    let told = example().run(&["restart"]);
    let second = pid(&home, PIDFILE).expect("a pidfile");
    assert_ne!(second, first);
    told.assert(0, &format!("Stopping dmn_example ... OK\nStarting dmn_example ... OK (pid {second})\n"), "");
    eventually("the next line", || home.lines(LOG).len() > 1);
    assert_eq!(home.lines(LOG)[..2], ["testing daemon ..."; 2]);

    stop(&home, example(), NAME, PIDFILE);
    example().run(&["status"]).assert(3, "dmn_example -- not running\n", "");
    assert_left(&home, &[LOG]);
}

#[test]
fn the_program_that_calls_a_function_prints_its_lines_until_it_is_stopped() {
    prints_its_lines("dsm_pytools_exec");
}

#[test]
fn the_program_with_a_decorated_function_prints_its_lines_until_it_is_stopped() {
    prints_its_lines("dsm_pytools_daemon");
}

#[test]
fn the_program_with_a_repeated_function_prints_its_lines_until_it_is_stopped() {
    prints_its_lines("dsm_pytools_repeat");
}

#[test]
fn the_programs_with_a_loop_and_the_repeated_one_wait_five_seconds() {
    for program in ["dsm_pytools_exec", "dsm_pytools_repeat"] {
        let (home, begun) = (Home::new(), Instant::now());
        start(&home, home.example(program), NAME, PIDFILE);
        eventually("the second line", || home.lines(LOG).len() > 1);
        assert!(begun.elapsed() >= Duration::from_secs(5), "{program}: {:?}", begun.elapsed());
        stop(&home, home.example(program), NAME, PIDFILE);
    }
}

#[test]
fn the_three_programs_are_one_daemon() {
    let home = Home::new();
    for (n, program) in PROGRAMS.iter().enumerate() {
        let [next, last] = [1, 2].map(|by| PROGRAMS[(n + by) % PROGRAMS.len()]);
        let pid = start(&home, home.example(program), NAME, PIDFILE);
        home.example(next).run(&["start"]).assert(0, "", &already(pid));
        stop(&home, home.example(last), NAME, PIDFILE);
    }
    assert_left(&home, &[LOG]);
}

#[test]
fn of_two_starts_one_works_and_one_says_that_it_runs() {
    for program in PROGRAMS {
        let home = Home::new();
        let (one, other) = at_once(|| home.example(program), &["start"], |told| !told.stdout.is_empty());
        let pid = pid(&home, PIDFILE).expect("a pidfile");
        one.assert(0, &format!("Starting dmn_example ... OK (pid {pid})\n"), "");
        other.assert(0, "", &already(pid));
        assert_eq!(home.processes(), [pid]);
    }
}

#[test]
fn without_an_action_nothing_is_started() {
    let home = Home::new();
    for program in PROGRAMS {
        let told = home.example(program).run(&[]);
        assert_eq!((told.code, told.stdout.as_str()), (2, ""));
        assert!(told.stderr.contains("start, stop, restart"), "{told:?}");
    }
    assert_left(&home, &[]);
}

#[test]
fn a_loop_that_panics_at_once_is_told_and_leaves_nothing() {
    for program in ["dsm_pytools_exec", "dsm_pytools_daemon"] {
        let home = Home::new();
        full_log(&home, LOG);
        let told = home.example(program).run(&["start"]);
        assert_eq!((told.code, told.stdout.as_str()), (101, "Starting dmn_example ... FAILED\n"));
        assert!(told.stderr.starts_with(DISK_FULL), "{told:?}");
        assert_left(&home, &[LOG]);
    }
}
