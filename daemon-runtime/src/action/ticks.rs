//! What a repeating daemon tells of its ticks, for whoever asks for its status.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::pidfile::record::{self, Past, Record};
use crate::sys::clock::monotonic;

/// How far a tick may be over due until it is taken to run, where the daemon has not said so: those that follow each other fast
/// are told of together.
const HASTE: Duration = Duration::from_millis(10);

/// What a repeating daemon tells of its ticks. It is its own word: that it runs, and its pid, do not rest on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticks {
    /// How many ended well.
    pub done: u64,
    /// How many failed or panicked.
    pub failed: u64,
    /// How many were left out because they came due while another ran. Those that a pause has held back are none of them.
    pub skipped: u64,
    /// Whether it is paused: no tick begins by itself.
    pub paused: bool,
    /// The tick that runs, if one does.
    pub running: Option<RunningTick>,
    /// The tick that ended last.
    pub last: Option<LastTick>,
    /// The tick that failed last.
    pub last_failed: Option<FailedTick>,
    /// The ticks that ended last, the oldest first: 32 at most, that of `last` the last one.
    pub recent: Vec<RecentTick>,
    /// The tick that comes next; none in a pause, and while one runs.
    pub next: Option<NextTick>,
}

/// The tick that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunningTick {
    /// Its number.
    pub number: u64,
    /// How long it has been running.
    pub since: Duration,
}

/// A tick that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastTick {
    /// Its number.
    pub number: u64,
    /// When it began.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// How it failed, if it did.
    pub error: Option<String>,
}

/// A tick that has failed or panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedTick {
    /// Its number.
    pub number: u64,
    /// How it failed.
    pub error: String,
}

/// One of the last ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecentTick {
    /// Its number.
    pub number: u64,
    /// How long it took.
    pub took: Duration,
    /// Whether it ended well; else it failed or panicked.
    pub ok: bool,
}

/// A tick that is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NextTick {
    /// Its number.
    pub number: u64,
    /// How long it is until then.
    pub due_in: Duration,
    /// When that is.
    pub at: SystemTime,
}

/// What the daemon of this pidfile, which the kernel has vouched for, tells, and in which words it says what it is doing. An
/// error is the reason why nothing can be told.
pub(super) fn told(pidfile: &Path, pid: i32) -> Result<(Ticks, Option<String>), String> {
    match record::read(pidfile, pid)? {
        Some(record) if record.repeats => Ok((Ticks::now(&record), text(&record))),
        _ => Err("it has told nothing of them yet".to_owned()),
    }
}

/// In which words a daemon that does not repeat says what it is doing. It need not say anything, and so need not have a record:
/// whatever else stands in its place is not worth a word.
pub(super) fn said(pidfile: &Path, pid: i32) -> Option<String> {
    record::read(pidfile, pid).ok().flatten().and_then(|record| text(&record))
}

fn text(record: &Record) -> Option<String> {
    (!record.status.is_empty()).then(|| record.status.shown())
}

impl Ticks {
    /// What a record tells just now.
    pub(super) fn now(record: &Record) -> Self {
        Self::of(record, SystemTime::now(), monotonic())
    }

    fn of(record: &Record, wall: SystemTime, monotonic: Duration) -> Self {
        let over_due = record.next.filter(|(_, due)| due.saturating_add(HASTE) < monotonic);
        let running = match (record.running, over_due) {
            (Some((number, begun)), _) => {
                Some(RunningTick { number, since: wall.duration_since(moment(begun)).unwrap_or_default() })
            }
            (None, Some((number, due))) => Some(RunningTick { number, since: monotonic.saturating_sub(due) }),
            (None, None) => None,
        };
        let next = record.next.filter(|_| running.is_none()).map(|(number, due)| {
            let due_in = due.saturating_sub(monotonic);
            NextTick { number, due_in, at: wall.checked_add(due_in).unwrap_or(wall) }
        });
        let last = record.last.map(|past| LastTick::of(past, &record.error));
        let last_failed = record.last_failed.map(|number| FailedTick { number, error: record.error.shown() });
        let recent = record.recent.as_slice().iter().map(RecentTick::of).collect();
        let Record { done, failed, skipped, paused, .. } = *record;
        Self { done, failed, skipped, paused, running, last, last_failed, recent, next }
    }
}

impl LastTick {
    pub(super) fn of(past: Past, error: &record::Text) -> Self {
        Self {
            number: past.number,
            began: moment(past.at),
            took: past.took,
            error: (!past.is_well).then(|| error.shown()),
        }
    }
}

impl RecentTick {
    fn of(tick: &record::Brief) -> Self {
        Self { number: tick.number, took: tick.took, ok: tick.is_well }
    }
}

fn moment(since_1970: Duration) -> SystemTime {
    UNIX_EPOCH.checked_add(since_1970).unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(record: &Record) -> Ticks {
        Ticks::of(record, UNIX_EPOCH + 1000 * SECOND, 100 * SECOND)
    }

    #[test]
    fn the_next_one_is_told_by_how_long_it_is_and_by_the_clock_on_the_wall() {
        let ticks = told(&Record { next: Some((7, 103 * SECOND)), ..Record::default() });
        let next = NextTick { number: 7, due_in: 3 * SECOND, at: UNIX_EPOCH + 1003 * SECOND };
        assert_eq!((ticks.next, ticks.running), (Some(next), None));
    }

    #[test]
    fn one_that_is_over_due_is_taken_to_run_and_no_other_comes_next_while_one_does() {
        let running = |record: &Record| {
            let ticks = told(record);
            assert_eq!(ticks.next, None);
            ticks.running.map(|tick| (tick.number, tick.since))
        };
        let over_due = Record { next: Some((7, 95 * SECOND)), ..Record::default() };
        assert_eq!(running(&over_due), Some((7, 5 * SECOND)));
        let asked = Record { running: Some((7, 998 * SECOND)), next: Some((7, 105 * SECOND)), ..Record::default() };
        assert_eq!(running(&asked), Some((7, 2 * SECOND)));
    }

    proptest! {
        #[test]
        fn whatever_a_record_says_it_can_be_told(
            next in proptest::option::of((any::<u64>(), any::<u64>().prop_map(Duration::from_nanos))),
            running in proptest::option::of((any::<u64>(), any::<u64>().prop_map(Duration::from_nanos))),
            (number, at, took) in any::<(u64, u64, u64)>(),
        ) {
            let (at, took) = (Duration::from_nanos(at), Duration::from_nanos(took));
            let last = Some(Past { number, at, took, is_well: false });
            let record = Record { running, last, next, ..Record::default() };
            let ticks = Ticks::of(&record, SystemTime::now(), monotonic());
            prop_assert!(ticks.last.is_some());
        }
    }
}
