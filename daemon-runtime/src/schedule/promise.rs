//! What the schedule promises, whatever the timetable, the bodies and the clock: no drift, never two ticks for one due time,
//! never a tick early. The properties and the fuzz target beside this crate ask for the same.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Duration;

use super::{Clock, Next, Turn, Woken, repeat};
use crate::spec::Timetable;
use crate::spec::setting::Missed;

/// No clock goes further: an `Instant` counts its seconds in 63 bits.
const END_OF_TIME: Duration = Duration::from_secs(i64::MAX.unsigned_abs());

/// What happens around one tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happening {
    /// How much later than asked the clock wakes the loop.
    pub(crate) oversleeps: Duration,
    /// How long the body takes; or for how long the machine is suspended.
    pub(crate) takes: Duration,
    /// How far the clock is set back meanwhile, which the monotonic one never is.
    pub(crate) set_back: Duration,
}

struct Scripted<'a> {
    now: Cell<Duration>,
    happenings: Cell<&'a [Happening]>,
}

impl Scripted<'_> {
    fn pass(&self, time: Duration) {
        self.now.set(self.now.get().saturating_add(time).min(END_OF_TIME));
    }
}

impl Clock for Scripted<'_> {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn wait_for(&self, next: Next) -> Woken {
        let at = next.due.at;
        let Some(happening) = self.happenings.get().first().filter(|_| at < END_OF_TIME) else {
            return Woken::Shutdown;
        };
        self.pass(at.saturating_sub(self.now.get()));
        self.pass(happening.oversleeps);
        Woken::Due
    }
}

/// Runs the timetable through the happenings, and panics at the first broken promise.
pub(crate) fn is_kept(table: &Timetable, happenings: &[Happening]) {
    let clock = Scripted { now: Cell::default(), happenings: Cell::new(happenings) };
    let mut before: Option<(u64, Duration)> = None;
    let mut runs = 0;
    let _ = repeat(table, &clock, |turn| {
        runs += 1;
        not_early(turn, clock.now());
        assert_eq!(turn.last, runs == table.times, "the last tick says so");
        let due = by_the_book(table, before, turn.due.number);
        assert!(turn.due.at >= due && turn.due.at <= due.saturating_add(table.jitter), "{turn:?} drifts off {due:?}");
        if let Some((number, end)) = before {
            once_each(table, number, end, turn.due.number);
        }
        let (happening, rest) = clock.happenings.get().split_first().expect("the clock has waited for one");
        clock.happenings.set(rest);
        clock.pass(happening.takes);
        clock.now.set(clock.now().saturating_sub(happening.set_back));
        before = Some((turn.due.number, clock.now()));
        ControlFlow::<()>::Continue(())
    });
    assert!(table.times == 0 || runs <= table.times, "{runs} ticks instead of {}", table.times);
    if runs != table.times && !clock.happenings.get().is_empty() {
        let due = next_by_the_book(table, before);
        assert!(due.saturating_add(table.jitter) >= END_OF_TIME, "after {before:?} one is due at {due:?}");
    }
}

fn not_early(turn: Turn, now: Duration) {
    let late = now.checked_sub(turn.due.at);
    assert_eq!(late, Some(turn.lateness), "{turn:?} runs at {now:?}");
}

/// When the tick with this number is due, reckoned anew: from the anchor, or (with `delay`) from the end of the last one.
fn by_the_book(table: &Timetable, before: Option<(u64, Duration)>, number: u64) -> Duration {
    match (table.missed, before) {
        (Missed::Delay, Some((_, end))) => end.saturating_add(table.every),
        _ => on_grid(table, number),
    }
}

/// When the tick after this one is due.
fn next_by_the_book(table: &Timetable, before: Option<(u64, Duration)>) -> Duration {
    let Some((number, end)) = before else { return table.initial_delay };
    let following = u128::from(number) + 1;
    let number = match table.missed {
        Missed::Skip => {
            let since_first = end.saturating_sub(table.initial_delay).as_nanos();
            following.max(since_first.div_ceil(table.every.as_nanos()))
        }
        Missed::Burst | Missed::Delay => following,
    };
    u64::try_from(number).map_or(Duration::MAX, |number| by_the_book(table, before, number))
}

fn on_grid(table: &Timetable, number: u64) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let since_anchor = table.every.as_nanos().checked_mul(number.into());
    let nanos = since_anchor.and_then(|nanos| nanos.checked_add(table.initial_delay.as_nanos()));
    let whole = |nanos: u128| Some((u64::try_from(nanos / SECOND).ok()?, u32::try_from(nanos % SECOND).ok()?));
    nanos.and_then(whole).map_or(Duration::MAX, |(seconds, rest)| Duration::new(seconds, rest))
}

fn once_each(table: &Timetable, before: u64, end: Duration, number: u64) {
    assert!(number > before, "tick {before} is followed by {number}");
    let is_next = number - 1 == before;
    let is_left_out_rightly = table.missed == Missed::Skip && on_grid(table, number - 1) < end;
    assert!(is_next || is_left_out_rightly, "after {before}, over at {end:?}, {number} comes, and nothing between");
    if table.missed == Missed::Skip && !is_next {
        assert!(on_grid(table, number) >= end, "{number} was over due at {end:?} already");
    }
}
