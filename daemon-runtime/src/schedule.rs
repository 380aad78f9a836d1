//! When a tick is due: pure arithmetic, and the loop over a clock that is handed in.
//!
//! A tick that somebody asks for comes besides those of the timetable, which stays as it is; it takes the next number. What
//! comes due while the daemon is paused is not made up for.

#[cfg(test)]
mod asked;
#[cfg(any(test, fuzzing))]
pub(crate) mod promise;

use std::ops::ControlFlow;
use std::time::Duration;

use crate::spec::Timetable;
use crate::spec::setting::Missed;

/// One entry of the timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) number: u64,
    pub(crate) at: Duration,
}

/// After the last number that there is: nobody lives to see it, and no clock gets there.
const NEVER: Due = Due { number: u64::MAX, at: Duration::MAX };

impl Timetable {
    /// The first tick: number 0, at the anchor or `initial_delay` after it.
    pub(crate) fn first(&self) -> Due {
        Due { number: 0, at: self.initial_delay }
    }

    /// The tick after `last`, whose run ended at `now`.
    pub(crate) fn after(&self, last: Due, now: Duration) -> Due {
        let Some(following) = last.number.checked_add(1) else { return NEVER };
        match self.missed {
            Missed::Delay => Due { number: following, at: now.saturating_add(self.every) },
            Missed::Burst => self.entry(following),
            Missed::Skip => self.first_not_before(now).map_or(NEVER, |first| self.entry(first.max(following))),
        }
    }

    /// The tick that was to be `due`, after one that somebody had asked for has ended at `now`.
    pub(crate) fn after_asked(&self, due: Due, now: Duration) -> Due {
        match self.missed {
            Missed::Delay => Due { at: now.saturating_add(self.every), ..due },
            Missed::Burst => due,
            Missed::Skip => self.on_grid(due, now),
        }
    }

    /// The tick that was to be `due`, when a pause is over at `now`: one whose time has come is not made up for.
    pub(crate) fn after_pause(&self, due: Due, now: Duration) -> Due {
        match self.missed {
            _ if due.at >= now => due,
            Missed::Delay => Due { at: now.saturating_add(self.every), ..due },
            Missed::Burst | Missed::Skip => self.on_grid(due, now),
        }
    }

    /// The first tick from `due` on that is not yet over due at `now`.
    fn on_grid(&self, due: Due, now: Duration) -> Due {
        self.first_not_before(now).map_or(NEVER, |first| if first > due.number { self.entry(first) } else { due })
    }

    fn entry(&self, number: u64) -> Due {
        Due { number, at: self.initial_delay.saturating_add(times(self.every, number)) }
    }

    /// The number of the first tick that is not yet over due at `now`, if there is a number for it.
    fn first_not_before(&self, now: Duration) -> Option<u64> {
        let since_first = now.saturating_sub(self.initial_delay).as_nanos();
        u64::try_from(since_first.div_ceil(self.every.as_nanos().max(1))).ok()
    }

    /// Where in `0..=jitter` a tick falls is drawn anew for each, so that it never adds up.
    fn drawn_jitter(&self) -> Duration {
        match u64::try_from(self.jitter.as_nanos()).unwrap_or(u64::MAX) {
            0 => Duration::ZERO,
            most => Duration::from_nanos(fastrand::u64(0..=most)),
        }
    }
}

/// `Duration` multiplies by `u32` only; a tick's number goes further.
fn times(every: Duration, number: u64) -> Duration {
    let nanos = every.as_nanos().saturating_mul(u128::from(number));
    let (seconds, rest) = (u64::try_from(nanos / 1_000_000_000), u32::try_from(nanos % 1_000_000_000));
    // Not second by second: what is beyond all bounds must not seem to come before what is not.
    seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, rest.unwrap_or_default()))
}

/// What tells the loop the time, and wakes it.
pub(crate) trait Clock {
    /// The time since the anchor.
    fn now(&self) -> Duration;
    /// Waits for the next tick; while the daemon is paused, for as long as that lasts.
    fn wait_for(&self, next: Next) -> Woken;
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) due: Due,
    /// How many were left out before it.
    pub(crate) skipped: u64,
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The tick is due.
    Due,
    /// Somebody wants one now.
    Asked,
    /// Likewise, and the daemon is paused.
    AskedInPause,
    /// The daemon was paused meanwhile, and is not any more.
    Resumed,
    /// A shutdown is asked for.
    Shutdown,
}

/// Why a tick runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    Timetable,
    Asked,
}

/// What a tick's run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) due: Due,
    pub(crate) lateness: Duration,
    /// Whether no other tick follows.
    pub(crate) last: bool,
    pub(crate) occasion: Occasion,
}

/// Runs the timetable until it is over, a shutdown is asked for, or `run` breaks it off.
pub(crate) fn repeat<B>(
    table: &Timetable,
    clock: &impl Clock,
    mut run: impl FnMut(Turn) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let mut course = Course::begin(table);
    loop {
        let occasion = match clock.wait_for(course.next()) {
            Woken::Due => Occasion::Timetable,
            Woken::Asked => Occasion::Asked,
            Woken::AskedInPause => {
                course.leave_pause(clock.now());
                Occasion::Asked
            }
            Woken::Resumed => {
                course.leave_pause(clock.now());
                continue;
            }
            Woken::Shutdown => return ControlFlow::Continue(()),
        };
        let turn = course.turn(occasion, clock.now());
        run(turn)?;
        if turn.last {
            return ControlFlow::Continue(());
        }
        course.follow(occasion, clock.now());
    }
}

/// How far the timetable has come.
struct Course<'a> {
    table: &'a Timetable,
    /// The next entry, and when its tick begins, with its jitter.
    due: Due,
    at: Duration,
    skipped: u64,
    /// How many ran because somebody asked for them.
    asked: u64,
    done: u64,
}

impl<'a> Course<'a> {
    fn begin(table: &'a Timetable) -> Self {
        let mut course = Self { table, due: table.first(), at: Duration::ZERO, skipped: 0, asked: 0, done: 0 };
        course.expect(course.due);
        course
    }

    fn expect(&mut self, due: Due) {
        self.due = due;
        self.at = due.at.saturating_add(self.table.drawn_jitter());
    }

    fn next(&self) -> Next {
        Next { due: Due { number: self.number(), at: self.at }, skipped: self.skipped }
    }

    /// Those that were asked for have numbers too, and no entry.
    fn number(&self) -> u64 {
        self.due.number.saturating_add(self.asked)
    }

    fn turn(&mut self, occasion: Occasion, now: Duration) -> Turn {
        self.done += 1;
        let at = match occasion {
            Occasion::Timetable => self.at,
            Occasion::Asked => now,
        };
        let due = Due { number: self.number(), at };
        Turn { due, lateness: now.saturating_sub(at), last: self.done == self.table.times, occasion }
    }

    fn follow(&mut self, occasion: Occasion, now: Duration) {
        let before = self.due;
        let (following, due) = match occasion {
            Occasion::Timetable => (before.number.saturating_add(1), self.table.after(before, now)),
            Occasion::Asked => (before.number, self.table.after_asked(before, now)),
        };
        self.asked += u64::from(occasion == Occasion::Asked);
        self.skipped = due.number.saturating_sub(following);
        if due != before {
            self.expect(due);
        }
    }

    /// Forgets what came due in the pause up to now.
    fn leave_pause(&mut self, now: Duration) {
        self.skipped = 0;
        let due = self.table.after_pause(self.due, now);
        if due != self.due {
            self.expect(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::promise::{Happening, is_kept};
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    const MS: Duration = Duration::from_millis(1);

    fn every(period: Duration, missed: Missed) -> Timetable {
        Timetable { every: period, missed, ..Timetable::default() }
    }

    /// A clock that stands still but for waiting and for `spend`.
    #[derive(Default)]
    struct Fake {
        now: Cell<Duration>,
        stop_at: Cell<Option<Duration>>,
    }

    impl Fake {
        fn spend(&self, time: Duration) {
            self.now.set(self.now.get() + time);
        }
    }

    impl Clock for Fake {
        fn now(&self) -> Duration {
            self.now.get()
        }
        fn wait_for(&self, next: Next) -> Woken {
            let stop = self.stop_at.get().filter(|stop| *stop <= next.due.at);
            self.now.set(self.now.get().max(stop.unwrap_or(next.due.at)));
            stop.map_or(Woken::Due, |_| Woken::Shutdown)
        }
    }

    fn ticks(table: &Timetable, body: &[u32]) -> Vec<(u64, u128)> {
        let (clock, mut seen) = (Fake::default(), Vec::new());
        let table = Timetable { times: body.len() as u64, ..table.clone() };
        let _ = repeat(&table, &clock, |turn| {
            let length = body[seen.len()];
            seen.push((turn.due.number, clock.now().as_millis()));
            clock.spend(MS * length);
            ControlFlow::<()>::Continue(())
        });
        seen
    }

    #[test]
    fn a_body_shorter_than_the_period_does_not_shift_the_schedule() {
        assert_eq!(ticks(&every(10 * MS, Missed::Skip), &[3, 9, 1]), [(0, 0), (1, 10), (2, 20)]);
    }

    #[test]
    fn skip_leaves_out_what_came_due_while_the_body_ran() {
        assert_eq!(ticks(&every(10 * MS, Missed::Skip), &[25, 1, 1]), [(0, 0), (3, 30), (4, 40)]);
    }

    #[test]
    fn burst_makes_up_for_what_came_due_while_the_body_ran() {
        assert_eq!(ticks(&every(10 * MS, Missed::Burst), &[25, 1, 1, 1]), [(0, 0), (1, 25), (2, 26), (3, 30)]);
    }

    #[test]
    fn delay_counts_from_the_end_of_the_last_run() {
        assert_eq!(ticks(&every(10 * MS, Missed::Delay), &[3, 25, 1]), [(0, 0), (1, 13), (2, 48)]);
    }

    #[test]
    fn the_first_tick_waits_for_the_initial_delay_and_the_rest_follow_it() {
        let table = Timetable { initial_delay: 7 * MS, ..every(10 * MS, Missed::Skip) };
        assert_eq!(ticks(&table, &[1, 1, 12, 1]), [(0, 7), (1, 17), (2, 27), (4, 47)]);
    }

    #[test]
    fn a_million_ticks_do_not_drift() {
        let (table, clock) = (Timetable { times: 1_000_001, ..every(MS * 7, Missed::Skip) }, Fake::default());
        let mut last = None;
        let _ = repeat(&table, &clock, |turn| {
            last = Some(turn);
            clock.spend(MS * 3);
            ControlFlow::<()>::Continue(())
        });
        let last = last.expect("ticks");
        assert_eq!(last.due, Due { number: 1_000_000, at: Duration::from_secs(7_000) });
        assert_eq!(last.lateness, Duration::ZERO);
    }

    #[test]
    fn jitter_stays_within_its_bound_and_never_adds_up() {
        let table = Timetable { jitter: 4 * MS, times: 1000, ..every(10 * MS, Missed::Skip) };
        let (clock, mut number) = (Fake::default(), 0_u32);
        let _ = repeat(&table, &clock, |turn| {
            let off = clock.now().checked_sub(10 * MS * number).expect("never early");
            assert!(off <= 4 * MS && turn.due.number == u64::from(number), "tick {number} off by {off:?}");
            number += 1;
            ControlFlow::<()>::Continue(())
        });
        assert_eq!(number, 1000);
    }

    #[test]
    fn a_shutdown_ends_the_waiting_and_no_further_tick_runs() {
        let clock = Fake::default();
        clock.stop_at.set(Some(25 * MS));
        let mut runs = 0;
        let _ = repeat(&every(10 * MS, Missed::Skip), &clock, |_| {
            runs += 1;
            ControlFlow::<()>::Continue(())
        });
        assert_eq!((runs, clock.now()), (3, 25 * MS));
    }

    #[test]
    fn a_period_and_a_number_beyond_all_bounds_do_not_overflow() {
        let table = every(Duration::MAX, Missed::Burst);
        assert_eq!(table.entry(u64::MAX).at, Duration::new(u64::MAX, table.entry(u64::MAX).at.subsec_nanos()));
        assert_eq!(every(Duration::from_nanos(1), Missed::Skip).after(table.first(), Duration::MAX).number, u64::MAX);
    }

    /// Lengths of every order: none, some of an everyday period, and whatever there is.
    fn length() -> impl Strategy<Value = Duration> {
        prop_oneof![
            Just(Duration::ZERO),
            (0..100_u64).prop_map(Duration::from_millis),
            (0..100_u64).prop_map(Duration::from_nanos),
            any::<u64>().prop_map(Duration::from_nanos),
            any::<Duration>(),
            Just(Duration::MAX),
        ]
    }

    fn timetable() -> impl Strategy<Value = Timetable> {
        let missed = prop_oneof![Just(Missed::Skip), Just(Missed::Burst), Just(Missed::Delay)];
        let longer_than_zero = length().prop_filter("a period is", |every| !every.is_zero());
        (longer_than_zero, 0..9_u64, missed, length(), length()).prop_map(
            |(every, times, missed, jitter, initial_delay)| Timetable { every, times, missed, jitter, initial_delay },
        )
    }

    fn happening(set_back: impl Strategy<Value = Duration>) -> impl Strategy<Value = Happening> {
        (length(), length(), set_back).prop_map(|(oversleeps, takes, set_back)| Happening {
            oversleeps,
            takes,
            set_back,
        })
    }

    proptest! {
        #[test]
        fn no_drift_never_two_ticks_for_one_due_time_and_never_one_early(
            table in timetable(),
            happenings in proptest::collection::vec(happening(Just(Duration::ZERO)), 0..12),
        ) {
            is_kept(&table, &happenings);
        }

        #[test]
        fn nor_on_a_clock_that_is_set_back(
            table in timetable(),
            happenings in proptest::collection::vec(happening(length()), 0..12),
        ) {
            is_kept(&table, &happenings);
        }
    }
}
