use super::*;
use crate::action::{FailedTick, NextTick, RecentTick, RunningTick, Status, Ticks};
use crate::error::Error;
use crate::outcome::watch::samples::tests::{running, status};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::time::UNIX_EPOCH;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MIB: u64 = 1 << 20;

/// What is drawn on a terminal of this size.
fn drawn(width: u16, height: u16, seen: &[Watched], ink: Ink) -> ratatui::buffer::Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a backend");
    let view = View { seen, every: SECOND, watched: 83 * SECOND + 7 * MILLI, ink };
    terminal.draw(|frame| draw(frame, &view)).expect("drawn");
    terminal.backend().buffer().clone()
}

fn lines(width: u16, height: u16, seen: &[Watched]) -> Vec<String> {
    let buffer = drawn(width, height, seen, Ink::Coloured);
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect()
}

/// The third of its ticks has failed.
fn ticking() -> Status {
    let recent = [8, 4, 6, 2].into_iter().zip(0..);
    let recent = recent.map(|(millis, number)| RecentTick { number, took: millis * MILLI, ok: number != 2 });
    let last_failed = Some(FailedTick { number: 2, error: "no\x1b[1m\n\u{202e}luck".into() });
    let next = NextTick { number: 4, due_in: 3 * SECOND, at: UNIX_EPOCH };
    let ticks = Ticks {
        done: 3,
        failed: 1,
        skipped: 0,
        paused: false,
        running: None,
        last: None,
        last_failed,
        recent: recent.collect(),
        next: Some(next),
    };
    let text = Some("warming up".to_owned());
    Status { ticks: Some(Ok(ticks)), text, ..status(running(&[(4242, 1_000), (4243, 0)], 24 * MIB)) }
}

/// Looked at again and again, once a second: half idle, then not there, then busy.
fn watched() -> Watched {
    let mut watched = Watched::default();
    let busy = |millis| Status { state: running(&[(4242, millis), (4243, 0)], 12 * MIB), ..ticking() };
    for (second, millis) in [(1, 0), (2, 250), (3, 500)] {
        watched.note(second * SECOND, Ok(busy(millis)));
    }
    watched.note(4 * SECOND, Ok(status(State::NotRunning)));
    watched.note(5 * SECOND, Ok(busy(0)));
    watched.note(6 * SECOND, Ok(ticking()));
    watched
}

#[test]
fn a_daemon_is_drawn_with_all_that_there_is_to_tell() {
    let expected = [
        "foo  running  pid 4242  up 2h 5m 3s  2 processes",
        "cpu     100.0 %     max 100.0 %",
        "                                                        ·  ··█",
        "                                                        ·  ··█",
        "                                                        ·  ··█",
        "                                                        ·██··█",
        "memory  24.0 MiB    max 24.0 MiB   0.3 % of the machine's",
        "                                                           · █",
        "                                                        ▄▄▄·▄█",
        "                                                        ███·██",
        "ticks   3 done, 1 failed, 0 skipped",
        "next    tick 4 in 3s; of the last 4 the longest took 8ms",
        "█   ▂",
        "█ ▄ █",
        "█ █ █ ▆",
        ". . × .",
        "error   tick 2 failed: no \u{fffd}luck",
        "says    warming up",
        "                                every 1s, for 1m 23s; q leaves",
    ];
    assert_eq!(lines(62, 19, &[watched()]), expected);
}

#[test]
fn where_there_is_little_room_the_text_comes_first() {
    let expected = [
        "foo  running  pid 42",
        "cpu     100.0 %     ",
        "memory  24.0 MiB    ",
        "ticks   3 done, 1 fa",
        "next    tick 4 in 3s",
    ];
    assert_eq!(lines(20, 5, &[watched()]), expected.map(str::trim_end));
}

#[test]
fn no_window_is_too_small() {
    let of = |answer| {
        let mut watched = watched();
        watched.note(7 * SECOND, answer);
        watched
    };
    let dead = || Ok(status(State::Dead { left: "a long story of what was left".into() }));
    let one = [of(dead())];
    let several = [watched(), Watched::default(), of(dead()), of(Err(Error::NotRunning))];
    for (width, height) in (0..=45).flat_map(|width| (0..=12).map(move |height| (width, height))) {
        for seen in [&one[..], &several, &[watched()], &[]] {
            drawn(width, height, seen, Ink::Coloured);
        }
    }
}

#[test]
fn one_that_does_not_run_is_told_with_the_reason_and_the_graphs_stay() {
    let mut watched = watched();
    watched.note(7 * SECOND, Ok(status(State::Dead { left: "its pidfile was left".into() })));
    let seen = lines(40, 8, &[watched]);
    assert_eq!(seen[..3], ["foo  not running", "why     its pidfile was left", "cpu     -           max 100.0 %"]);
    assert!(seen[3].ends_with("█·"), "{seen:?}");
}

#[test]
fn what_cannot_be_looked_at_or_told_says_why() {
    let mut watched = watched();
    watched.note(7 * SECOND, Err(Error::NotRunning));
    let seen = lines(60, 8, &[watched]);
    assert_eq!(seen[0], "foo  cannot look");
    assert_eq!(seen[1], format!("why     {}", Error::NotRunning));
    let mut watched = Watched::default();
    watched.note(SECOND, Ok(Status { ticks: Some(Err("it is another one".into())), ..status(running(&[], 0)) }));
    assert!(lines(60, 12, &[watched]).contains(&"ticks   cannot be told (it is another one)".to_owned()));
}

#[test]
fn a_pause_and_a_tick_that_runs_are_told() {
    let told = |running, paused| {
        let Some(Ok(ticks)) = ticking().ticks else { panic!("it ticks") };
        let ticks = Ticks { running, paused, next: None, recent: Vec::new(), ..ticks };
        let mut watched = Watched::default();
        watched.note(SECOND, Ok(Status { ticks: Some(Ok(ticks)), ..ticking() }));
        lines(60, 9, &[watched]).into_iter().find(|line| line.starts_with("next")).expect("told")
    };
    let running = Some(RunningTick { number: 4, since: 2 * SECOND });
    assert_eq!(told(running, true), "next    tick 4 runs for 2s, paused");
    assert_eq!(told(None, true), "next    paused");
    assert_eq!(told(None, false), "next    none");
}

#[test]
fn several_have_a_row_each_and_those_without_room_are_counted() {
    let mut stopped = watched();
    stopped.note(7 * SECOND, Ok(status(State::NotRunning)));
    let expected = [
        "foo  not running                                                           ▂▂··█·",
        "foo  running  4242    2h 5m 3s      100.0 %    24.0 MiB  3 done, 1 failed  ·▂▂··█",
        "and 1 more: `--instance N` shows one",
    ];
    assert_eq!(lines(81, 3, &[watched(), stopped, watched()]), expected);
}

#[test]
fn those_without_room_that_do_not_run_are_counted_too() {
    let stopped = || {
        let mut watched = watched();
        watched.note(7 * SECOND, Ok(status(State::NotRunning)));
        watched
    };
    let told = "and 3 more, 1 of them not seen running: `--instance N` shows one";
    assert_eq!(lines(81, 3, &[watched(), stopped(), watched(), stopped(), stopped()])[2], told);
}

#[test]
fn a_long_name_leaves_room_for_what_is_told() {
    let long = |name: &str| {
        let mut watched = Watched::default();
        watched.note(SECOND, Ok(Status { name: name.into(), ..ticking() }));
        watched
    };
    let name = "a-".repeat(100) + "12";
    let expected = "a-a-a-…-a-12  running  pid 4242  up 2h 5m 3s  2 processes";
    assert_eq!(lines(57, 3, &[long(&name)])[0], expected);
    let expected = "a-a-…-12  not running";
    let mut stopped = long(&name);
    stopped.note(2 * SECOND, Ok(Status { name: name.clone(), ..status(State::NotRunning) }));
    assert_eq!(lines(21, 3, &[stopped])[0], expected);
    // Some are as wide as two.
    assert_eq!(lines(53, 3, &[long(&"\u{65e5}".repeat(100))])[0].matches('\u{65e5}').count(), 3);
    for line in &lines(81, 3, &[long(&name), long("foo")])[..2] {
        assert!(line.contains("  running  4242 ") && line.contains("1 failed"), "{line}");
    }
}

#[test]
fn what_failed_has_a_colour_and_a_sign_and_without_colours_the_sign() {
    let find = |ink| {
        let buffer = drawn(62, 19, &[watched()], ink);
        let sign = buffer.content().iter().find(|cell| cell.symbol() == "×").expect("the sign");
        (sign.fg, buffer.content().iter().all(|cell| cell.style() == ratatui::buffer::Cell::default().style()))
    };
    assert_eq!(find(Ink::Coloured), (Color::Red, false));
    assert_eq!(find(Ink::Plain), (Color::Reset, true));
}

#[test]
fn no_word_from_elsewhere_commands_the_terminal() {
    let mut watched = Watched::default();
    let unknown = State::Unknown { reason: "a\x1b[2Jb\rc\u{9b}31m".into() };
    watched.note(SECOND, Ok(Status { name: "f\x07oo".into(), ..status(unknown) }));
    for cell in drawn(60, 9, &[watched], Ink::Coloured).content() {
        assert!(!cell.symbol().contains(char::is_control), "{:?}", cell.symbol());
    }
}
