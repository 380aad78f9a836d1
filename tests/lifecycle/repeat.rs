//! A repeating daemon keeps its timetable, and outlives a tick that fails unless it is told not to.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, eventually};

const OK_ENDED: &str = "Starting actor ... OK (ended)\n";
const FAILED: &str = "Starting actor ... FAILED\n";

/// The ticking actor with these keys, `missed = "burst"` among them unless another is given: then a slow machine leaves no
/// tick out.
fn ticks(home: &Home, keys: &[(&str, &str)]) -> Program {
    let program = home.actor("ticks").set("ACTOR_MISSED", "burst").set("ACTOR_STDERR", home.path("log"));
    keys.iter().fold(program, |program, (key, value)| program.set(&format!("ACTOR_{key}"), value))
}

/// Starts it, and sees that it was ready.
#[track_caller]
fn start(program: Program) -> i32 {
    let told = program.run(&["start"]);
    let pid = told.stdout.strip_prefix("Starting actor ... OK (pid ").and_then(|rest| rest.strip_suffix(")\n"));
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    pid.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{told:?}"))
}

#[track_caller]
fn stop(home: &Home) {
    home.actor("ticks").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

/// The numbers of the ticks that were noted.
fn numbers(home: &Home) -> Vec<u64> {
    let number = |line: &String| line.strip_prefix("tick ")?.parse().ok();
    home.lines("notes").iter().filter_map(number).collect()
}

fn seen(home: &Home, count: usize) {
    eventually(&format!("{count} ticks"), || numbers(home).len() >= count);
}

#[test]
fn a_number_of_times_is_kept_and_the_daemon_ends_well() {
    for times in ["2", "5"] {
        let home = Home::new();
        start_or_end(ticks(&home, &[("TIMES", times)]).run(&["start"]));
        home.assert_nothing_left();
        let expected: Vec<u64> = (0..times.parse().expect("a number")).collect();
        assert_eq!(numbers(&home), expected);
        assert_eq!(home.lines("last-words"), ["Shutting down normally [0]"]);
        assert_eq!(home.read("log"), "");
    }
}

// Whether the daemon is still there when the launcher looks depends on the machine.
#[track_caller]
fn start_or_end(told: Told) {
    let ready = told.stdout.starts_with("Starting actor ... OK (pid ");
    assert!(told.code == 0 && told.stderr.is_empty() && (ready || told.stdout == OK_ENDED), "{told:?}");
}

#[test]
fn a_single_tick_that_ends_well_is_told_as_the_end() {
    let home = Home::new();
    ticks(&home, &[("TIMES", "1")]).run(&["start"]).assert(0, OK_ENDED, "");
    assert_eq!(numbers(&home), [0]);
    home.assert_nothing_left();
}

#[test]
fn no_number_of_times_means_for_ever() {
    let home = Home::new();
    start(ticks(&home, &[("EVERY", "1ms"), ("TIMES", "0")]));
    seen(&home, 50);
    assert_eq!(numbers(&home)[..50], (0..50).collect::<Vec<_>>());
    stop(&home);
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

#[test]
fn a_tick_that_fails_is_told_by_its_number_and_the_next_one_comes() {
    let home = Home::new();
    start(ticks(&home, &[("TICK", "well fails well fails well")]));
    seen(&home, 6);
    stop(&home);
    assert_eq!(home.read("log"), "error: tick 1 failed: no such luck\nerror: tick 3 failed: no such luck\n");
}

#[test]
fn a_tick_that_panics_is_told_by_its_number_with_text_and_place_and_the_next_one_comes() {
    let home = Home::new();
    start(ticks(&home, &[("TICK", "well panics well")]));
    seen(&home, 4);
    stop(&home);
    let told: Vec<_> = home.lines("log").into_iter().filter(|line| line.starts_with("error: ")).collect();
    let [line] = told.as_slice() else { panic!("{told:?}") };
    assert_panic(line, "error: tick 1 panicked: ");
    assert_eq!(home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

/// The panic of a tick, with its place in the actor's source.
#[track_caller]
fn assert_panic(line: &str, before: &str) {
    let place = line.strip_prefix(before).and_then(|rest| rest.strip_prefix("the sky is falling ("));
    let place = place.and_then(|rest| rest.strip_suffix(')')).unwrap_or_else(|| panic!("{line}"));
    let (file, numbers) = place.split_once(".rs:").unwrap_or_else(|| panic!("{line}"));
    assert!(file.ends_with("fixtures/actor"), "{line}");
    assert!(numbers.split(':').all(|number| number.parse::<u32>().is_ok_and(|n| n > 0)), "{line}");
    assert_eq!(numbers.split(':').count(), 2, "{line}");
}

#[test]
fn a_first_tick_that_fails_is_no_failure_of_the_start_while_the_daemon_goes_on() {
    let home = Home::new();
    start(ticks(&home, &[("TICK", "fails fails well"), ("SETTLE", "1h")]));
    assert_eq!(home.read("log"), "error: tick 0 failed: no such luck\nerror: tick 1 failed: no such luck\n");
    stop(&home);
}

#[test]
fn with_on_error_stop_a_first_tick_that_fails_fails_the_start() {
    let home = Home::new();
    let told = ticks(&home, &[("TICK", "fails"), ("ON_ERROR", "stop")]).run(&["start"]);
    told.assert(1, FAILED, "error: tick 0 failed: no such luck\n");
    home.assert_nothing_left();
    assert_eq!(numbers(&home), [0]);
    assert_eq!(home.lines("last-words"), ["Dying due to error: tick 0 failed: no such luck [1]"]);
}

#[test]
fn with_on_error_stop_a_first_tick_that_panics_fails_the_start_with_the_code_of_a_panic() {
    let home = Home::new();
    let told = ticks(&home, &[("TICK", "panics"), ("ON_ERROR", "stop")]).run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (101, FAILED));
    assert_panic(told.stderr.lines().next().unwrap_or_default(), "error: tick 0 panicked: ");
    home.assert_nothing_left();
}

#[test]
fn with_on_error_stop_a_later_tick_that_fails_or_panics_ends_the_daemon_and_is_told_on_stderr() {
    for (script, code) in [("well waits fails", 1), ("well waits panics", 101)] {
        let home = Home::new();
        start(ticks(&home, &[("TICK", script), ("ON_ERROR", "stop")]));
        home.go();
        home.assert_nothing_left();
        assert_eq!(numbers(&home), [0, 1, 2]);
        let told: Vec<_> = home.lines("log").into_iter().filter(|line| line.starts_with("error: ")).collect();
        let [line] = told.as_slice() else { panic!("{told:?}") };
        let words = home.lines("last-words");
        let [words] = words.as_slice() else { panic!("{words:?}") };
        if code == 1 {
            assert_eq!(line, "error: tick 2 failed: no such luck");
            assert_eq!(words, "Dying due to error: tick 2 failed: no such luck [1]");
        } else {
            assert_panic(line, "error: tick 2 panicked: ");
            assert!(words.starts_with("Dying due to panic: the sky is falling ("), "{words}");
            assert!(words.ends_with(" [101]"), "{words}");
        }
    }
}

#[test]
fn a_stop_ends_the_wait_between_two_ticks() {
    let home = Home::new();
    start(ticks(&home, &[("EVERY", "1h")]));
    stop(&home);
    assert_eq!(numbers(&home), [0]);
}

#[test]
fn a_stop_ends_the_wait_for_the_first_tick() {
    let home = Home::new();
    start(ticks(&home, &[("INITIAL_DELAY", "1h"), ("SETTLE", "20ms")]));
    stop(&home);
    assert_eq!(numbers(&home), Vec::<u64>::new());
}

#[test]
fn a_stop_waits_for_the_body_that_runs_and_no_further_tick_comes() {
    let home = Home::new();
    start(ticks(&home, &[("EVERY", "1ms"), ("TICK", "well lingers")]));
    seen(&home, 2);
    let mut stopping = home.actor("ticks").set("ACTOR_STOP_TIMEOUT", "1h").spawn(&["stop"]);
    eventually("the body to be asked", || home.lines("notes").last().is_some_and(|line| line == "asked"));
    assert_eq!(stopping.try_wait().expect("asked"), None);
    home.go();
    Told::of(stopping).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    assert_eq!(home.lines("notes"), ["tick 0", "tick 1", "asked"]);
}

#[test]
fn a_second_signal_does_not_wait_for_the_body() {
    let home = Home::new();
    let pid = Pid::from_raw(start(ticks(&home, &[("TICK", "well lingers")])));
    seen(&home, 2);
    kill(pid, Signal::SIGTERM).expect("it runs");
    eventually("the body to be asked", || home.lines("notes").last().is_some_and(|line| line == "asked"));
    kill(pid, Signal::SIGTERM).expect("it runs");
    home.assert_nothing_left();
}

#[test]
fn a_period_of_a_microsecond_runs_and_stops() {
    for missed in ["skip", "burst", "delay"] {
        let home = Home::new();
        start(ticks(&home, &[("EVERY", "1us"), ("MISSED", missed)]));
        seen(&home, 3);
        stop(&home);
    }
}

/// Lets tick 0 run over at least five periods, and gives the numbers of the first ticks, and how long after tick 0 had to
/// end the next one was seen.
fn after_a_long_body(missed: &str, period: Duration) -> (Vec<u64>, Duration) {
    let home = Home::new();
    let every = format!("{}ms", period.as_millis());
    start(ticks(&home, &[("EVERY", &every), ("MISSED", missed), ("TICK", "waits well"), ("SETTLE", "20ms")]));
    seen(&home, 1);
    let begun = Instant::now();
    eventually("five periods to be over", || begun.elapsed() > 5 * period);
    let let_go = Instant::now();
    home.go();
    seen(&home, 2);
    let waited = let_go.elapsed();
    seen(&home, 4);
    stop(&home);
    (numbers(&home)[..4].to_vec(), waited)
}

#[test]
fn skip_leaves_out_what_came_due_while_a_body_ran() {
    let (numbers, _) = after_a_long_body("skip", Duration::from_millis(20));
    assert!(numbers[0] == 0 && numbers[1] > 5 && numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[test]
fn burst_makes_up_for_what_came_due_while_a_body_ran() {
    let (numbers, _) = after_a_long_body("burst", Duration::from_millis(20));
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[test]
fn delay_counts_from_the_end_of_a_body_and_leaves_none_out() {
    let period = Duration::from_millis(200);
    let (numbers, waited) = after_a_long_body("delay", period);
    assert_eq!(numbers, [0, 1, 2, 3]);
    assert!(waited >= period, "{waited:?}");
}

#[test]
fn the_first_tick_waits_for_the_initial_delay() {
    let (home, begun) = (Home::new(), Instant::now());
    start(ticks(&home, &[("INITIAL_DELAY", "300ms"), ("SETTLE", "1h")]));
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    assert_eq!(numbers(&home).first(), Some(&0));
    stop(&home);
}

#[test]
fn a_start_does_not_wait_for_the_initial_delay_longer_than_to_settle() {
    let home = Home::new();
    start(ticks(&home, &[("INITIAL_DELAY", "1h"), ("SETTLE", "20ms")]));
    assert_eq!(numbers(&home), Vec::<u64>::new());
    stop(&home);
}

#[test]
fn a_start_waits_for_the_first_good_tick_and_not_for_settle() {
    let home = Home::new();
    start(ticks(&home, &[("EVERY", "1h"), ("SETTLE", "1h")]));
    assert_eq!(numbers(&home), [0]);
    stop(&home);
}

#[test]
fn a_first_tick_that_takes_long_counts_as_ready_when_it_has_settled() {
    let home = Home::new();
    start(ticks(&home, &[("TICK", "waits"), ("SETTLE", "20ms")]));
    home.go();
    seen(&home, 2);
    stop(&home);
}

#[test]
fn with_jitter_the_ticks_keep_their_numbers() {
    let home = Home::new();
    start_or_end(ticks(&home, &[("EVERY", "2ms"), ("JITTER", "2ms"), ("TIMES", "20")]).run(&["start"]));
    home.assert_nothing_left();
    assert_eq!(numbers(&home), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_period_of_nothing_is_refused_by_every_action() {
    for (action, stdout) in [
        ("start", FAILED),
        ("stop", "Stopping actor ... FAILED\n"),
        ("restart", FAILED),
        ("reload", ""),
        ("status", ""),
        ("run", ""),
    ] {
        let home = Home::new();
        let told = ticks(&home, &[("EVERY", "0s")]).run(&[action]);
        assert_eq!((told.code, told.stdout.as_str()), (1, stdout), "{action}");
        let stderr = told.stderr.as_str();
        assert!(stderr.starts_with("error: `every = ") && stderr.contains("longer than nothing"), "{stderr}");
        home.assert_nothing_left();
    }
}

#[test]
fn a_value_that_cannot_be_is_told_with_its_key_and_what_to_write() {
    for (variable, value, told) in [
        ("EVERY", "soon", "error: `every = \"soon\"` cannot be: "),
        ("JITTER", "5", "error: `jitter = \"5\"` cannot be: "),
        ("INITIAL_DELAY", "-1s", "error: `initial_delay = \"-1s\"` cannot be: "),
        ("MISSED", "skipp", "error: `missed = \"skipp\"` cannot be: the choices are \"skip\", \"burst\", \"delay\"\n"),
        ("ON_ERROR", "halt", "error: `on_error = \"halt\"` cannot be: the choices are \"continue\", \"stop\"\n"),
    ] {
        let home = Home::new();
        let result = ticks(&home, &[(variable, value)]).run(&["start"]);
        assert_eq!((result.code, result.stdout.as_str()), (1, FAILED));
        assert!(result.stderr.starts_with(told), "{}", result.stderr);
        home.assert_nothing_left();
    }
}
