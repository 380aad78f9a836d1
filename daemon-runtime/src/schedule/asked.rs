//! Ticks that somebody asks for, and pauses, over a scripted clock.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::time::Duration;

use proptest::prelude::*;

use super::{Clock, Next, Occasion, Woken, repeat};
use crate::spec::Timetable;
use crate::spec::setting::Missed;

const MS: Duration = Duration::from_millis(1);

/// What somebody does, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    RunNow,
    Pause,
    Resume,
    Stop,
}

/// A clock that stands still but for waiting and for `spend`, and a person with a script.
struct Scripted {
    now: Cell<Duration>,
    deeds: RefCell<Vec<(Duration, Deed)>>,
    paused: Cell<bool>,
    is_asked: Cell<bool>,
    is_resumed: Cell<bool>,
    skipped: Cell<u64>,
}

impl Scripted {
    fn new(deeds: &[(u32, Deed)]) -> Self {
        let mut deeds: Vec<_> = deeds.iter().map(|(at, deed)| (MS * *at, *deed)).collect();
        deeds.sort_by_key(|(at, _)| *at);
        Self {
            now: Cell::default(),
            deeds: RefCell::new(deeds),
            paused: Cell::default(),
            is_asked: Cell::default(),
            is_resumed: Cell::default(),
            skipped: Cell::default(),
        }
    }

    /// What was done up to now; true if it was to stop.
    fn catch_up(&self) -> bool {
        loop {
            let mut deeds = self.deeds.borrow_mut();
            if deeds.first().is_none_or(|(at, _)| *at > self.now.get()) {
                return false;
            }
            match deeds.remove(0).1 {
                Deed::RunNow => self.is_asked.set(true),
                Deed::Pause => {
                    self.paused.set(true);
                    self.is_resumed.set(false);
                }
                Deed::Resume => {
                    self.is_resumed.set(self.paused.replace(false));
                }
                Deed::Stop => return true,
            }
        }
    }
}

impl Clock for Scripted {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn wait_for(&self, next: Next) -> Woken {
        self.skipped.set(self.skipped.get() + next.skipped);
        loop {
            if self.catch_up() {
                return Woken::Shutdown;
            }
            if self.is_asked.take() {
                return if self.paused.get() { Woken::AskedInPause } else { Woken::Asked };
            }
            if !self.paused.get() {
                if self.is_resumed.take() {
                    return Woken::Resumed;
                }
                if next.due.at <= self.now.get() {
                    return Woken::Due;
                }
            }
            let deed = self.deeds.borrow().first().map_or(Duration::MAX, |(at, _)| *at);
            let due = if self.paused.get() { Duration::MAX } else { next.due.at };
            self.now.set(self.now.get().max(deed.min(due)));
        }
    }
}

fn every(missed: Missed) -> Timetable {
    Timetable { every: 10 * MS, missed, ..Timetable::default() }
}

type Seen = Vec<(u64, u128, Occasion)>;

/// The ticks that run, each of which takes so long, and how many were left out.
fn ticks(table: &Timetable, takes: u32, deeds: &[(u32, Deed)]) -> (Seen, u64) {
    let (clock, mut seen) = (Scripted::new(deeds), Vec::new());
    let _ = repeat(table, &clock, |turn| {
        seen.push((turn.due.number, clock.now().as_millis(), turn.occasion));
        clock.now.set(clock.now.get() + MS * takes);
        ControlFlow::<()>::Continue(())
    });
    (seen, clock.skipped.get())
}

const GRID: Occasion = Occasion::Timetable;
const ASKED: Occasion = Occasion::Asked;

#[test]
fn one_that_is_asked_for_begins_at_once_takes_the_next_number_and_leaves_the_grid_as_it_is() {
    for missed in [Missed::Skip, Missed::Burst] {
        let (seen, skipped) = ticks(&every(missed), 1, &[(13, Deed::RunNow), (35, Deed::Stop)]);
        assert_eq!(seen, [(0, 0, GRID), (1, 10, GRID), (2, 13, ASKED), (3, 20, GRID), (4, 30, GRID)]);
        assert_eq!(skipped, 0);
    }
}

#[test]
fn with_delay_the_next_one_counts_from_the_end_of_the_one_that_was_asked_for() {
    let (seen, _) = ticks(&every(Missed::Delay), 1, &[(5, Deed::RunNow), (20, Deed::Stop)]);
    assert_eq!(seen, [(0, 0, GRID), (1, 5, ASKED), (2, 16, GRID)]);
}

#[test]
fn one_that_is_asked_for_while_another_runs_comes_right_after_it_and_once() {
    let deeds = [(2, Deed::RunNow), (3, Deed::RunNow), (17, Deed::Stop)];
    assert_eq!(ticks(&every(Missed::Skip), 5, &deeds).0, [(0, 0, GRID), (1, 5, ASKED), (2, 10, GRID)]);
}

#[test]
fn what_comes_due_while_an_asked_one_runs_is_missed_as_any_other() {
    let deeds = [(8, Deed::RunNow), (22, Deed::Stop)];
    let (skip, skipped) = ticks(&every(Missed::Skip), 5, &deeds);
    assert_eq!((skip, skipped), (vec![(0, 0, GRID), (1, 8, ASKED), (3, 20, GRID)], 1));
    let (burst, skipped) = ticks(&every(Missed::Burst), 5, &deeds);
    assert_eq!((burst, skipped), (vec![(0, 0, GRID), (1, 8, ASKED), (2, 13, GRID), (3, 20, GRID)], 0));
}

#[test]
fn an_asked_one_counts_among_the_times() {
    let table = Timetable { times: 2, ..every(Missed::Skip) };
    assert_eq!(ticks(&table, 1, &[(4, Deed::RunNow)]).0, [(0, 0, GRID), (1, 4, ASKED)]);
}

#[test]
fn after_a_pause_the_next_one_comes_on_the_grid_and_what_came_due_is_neither_made_up_for_nor_called_missed() {
    let deeds = [(12, Deed::Pause), (45, Deed::Resume), (65, Deed::Stop)];
    for missed in [Missed::Skip, Missed::Burst] {
        let (seen, skipped) = ticks(&every(missed), 1, &deeds);
        assert_eq!(seen, [(0, 0, GRID), (1, 10, GRID), (5, 50, GRID), (6, 60, GRID)]);
        assert_eq!(skipped, 0);
    }
    let (seen, _) = ticks(&every(Missed::Delay), 1, &deeds);
    assert_eq!(seen, [(0, 0, GRID), (1, 11, GRID), (2, 55, GRID)]);
}

#[test]
fn a_pause_in_which_nothing_comes_due_changes_nothing() {
    for missed in [Missed::Skip, Missed::Burst, Missed::Delay] {
        let undisturbed = ticks(&every(missed), 2, &[(35, Deed::Stop)]);
        let paused = ticks(&every(missed), 2, &[(3, Deed::Pause), (7, Deed::Resume), (35, Deed::Stop)]);
        assert_eq!(paused, undisturbed);
    }
}

#[test]
fn while_it_is_paused_one_that_is_asked_for_runs_all_the_same() {
    let deeds = [(5, Deed::Pause), (13, Deed::RunNow), (24, Deed::Resume), (31, Deed::Stop)];
    for missed in [Missed::Skip, Missed::Burst] {
        let (seen, skipped) = ticks(&every(missed), 1, &deeds);
        assert_eq!((seen, skipped), (vec![(0, 0, GRID), (2, 13, ASKED), (4, 30, GRID)], 0));
    }
}

#[test]
fn a_shutdown_ends_a_pause() {
    assert_eq!(ticks(&every(Missed::Skip), 1, &[(5, Deed::Pause), (99, Deed::Stop)]).0, [(0, 0, GRID)]);
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![Just(Deed::RunNow), Just(Deed::Pause), Just(Deed::Resume)]
}

proptest! {
    #[test]
    fn numbers_rise_those_of_the_grid_are_on_it_and_each_asked_one_was_asked_for(
        missed in prop_oneof![Just(Missed::Skip), Just(Missed::Burst)],
        takes in 0..25_u32,
        mut deeds in proptest::collection::vec((0..200_u32, deed()), 0..9),
    ) {
        deeds.push((200, Deed::Stop));
        let asks = deeds.iter().filter(|(_, deed)| *deed == Deed::RunNow).count();
        let (seen, _) = ticks(&every(missed), takes, &deeds);
        prop_assert!(seen.windows(2).all(|two| two[0].0 < two[1].0), "{seen:?}");
        let mut asked = 0;
        for (number, at, occasion) in &seen {
            match occasion {
                // As many entries of the timetable later than their number says as were asked for.
                Occasion::Timetable => prop_assert!(u128::from(number - asked) * 10 <= *at, "{seen:?}"),
                Occasion::Asked => asked += 1,
            }
        }
        prop_assert!(usize::try_from(asked).expect("few") <= asks);
    }
}
