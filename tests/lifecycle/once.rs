//! `run --once`: one tick, for who calls it again and again.

use crate::home::{Home, Program};

fn ticks(home: &Home, keys: &[(&str, &str)]) -> Program {
    let program = home.actor("ticks").set("ACTOR_EVERY", "1h");
    keys.iter().fold(program, |program, (key, value)| program.set(&format!("ACTOR_{key}"), value))
}

#[test]
fn it_is_one_tick_at_once_whatever_the_timetable_says() {
    for keys in [
        &[][..],
        &[("INITIAL_DELAY", "1h"), ("JITTER", "1h"), ("TIMES", "3")],
        &[("READY", "notify")],
        &[("ON_ERROR", "continue"), ("MISSED", "delay")],
    ] {
        let home = Home::new();
        ticks(&home, keys).run(&["run", "--once"]).assert(0, "", "");
        assert_eq!(home.lines("notes"), ["tick 0"], "{keys:?}");
        assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"], "{keys:?}");
        home.assert_nothing_left();
    }
}

#[test]
fn a_tick_that_fails_or_panics_has_its_exit_code_and_its_words() {
    for (tick, code, words) in [("fails", 1, "tick 0 failed: no such luck"), ("panics", 101, "tick 0 panicked: ")] {
        for on_error in ["continue", "stop"] {
            let home = Home::new();
            let told = ticks(&home, &[("TICK", tick), ("ON_ERROR", on_error)]).run(&["run", "--once"]);
            assert_eq!((told.code, told.stdout.as_str()), (code, ""), "{told:?}");
            assert!(told.stderr.contains(words), "{told:?}");
            home.assert_nothing_left();
        }
    }
}

#[test]
fn beside_a_daemon_that_runs_no_tick_is_done() {
    let home = Home::new();
    assert_eq!(ticks(&home, &[]).run(&["start"]).code, 0);
    let warning = format!("warning: actor is already running with pid {}\n", home.pid());
    ticks(&home, &[]).run(&["run", "--once"]).assert(0, "", &warning);
    assert_eq!(home.lines("notes"), ["tick 0"]);
    ticks(&home, &[]).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
}

#[test]
fn what_does_not_repeat_has_no_tick() {
    let home = Home::new();
    let told = home.actor("ready").run(&["run", "--once"]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""));
    assert!(told.stderr.starts_with("error: unexpected argument '--once' found"), "{told:?}");
    home.assert_nothing_left();
}
