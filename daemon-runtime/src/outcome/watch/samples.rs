//! What was seen of a daemon, look by look. Nothing here knows of a terminal or of a clock.

use std::collections::VecDeque;
use std::time::Duration;

use crate::action::status::Spent;
use crate::action::{State, Status, Vitals};
use crate::error::Error;

/// How many looks are kept: more than any terminal is wide.
const KEPT: usize = 1024;

/// A daemon, as far as it was looked at.
#[derive(Debug, Default)]
pub(super) struct Watched {
    name: String,
    answer: Option<Result<Status, Error>>,
    /// What the processors had spent on it, and when that was.
    before: Option<(Duration, Vec<Spent>)>,
    samples: VecDeque<Sample>,
    most: Sample,
}

/// What one look has told; nothing of what it has not.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sample {
    /// The share of one processor since the look before, in percent.
    pub(super) cpu: Option<f64>,
    /// In bytes.
    pub(super) memory: Option<u64>,
}

impl Watched {
    /// Adds what a look at this moment, on any clock that only goes forward, has told.
    pub(super) fn note(&mut self, now: Duration, answer: Result<Status, Error>) {
        let status = answer.as_ref().ok();
        let vitals = status.and_then(vitals);
        let spent = vitals.filter(|vitals| vitals.cpu_percent.is_some()).map(|vitals| (now, vitals.spent.clone()));
        let sample = Sample {
            cpu: self.before.as_ref().zip(spent.as_ref()).and_then(|(before, now)| share(before, now)),
            memory: vitals.and_then(|vitals| vitals.memory_bytes),
        };
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        self.most = self.most.most(sample);
        self.before = spent;
        if let Some(status) = status {
            self.name.clone_from(&status.name);
        }
        self.answer = Some(answer);
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the last look came to; nothing before the first one.
    pub(super) fn answer(&self) -> Option<&Result<Status, Error>> {
        self.answer.as_ref()
    }

    pub(super) fn into_answer(self) -> Option<Result<Status, Error>> {
        self.answer
    }

    /// What is known of it if it runs.
    pub(super) fn vitals(&self) -> Option<&Vitals> {
        self.answer.as_ref()?.as_ref().ok().and_then(vitals)
    }

    /// The last look's.
    pub(super) fn now(&self) -> Sample {
        self.samples.back().copied().unwrap_or_default()
    }

    /// Of each look, the last one first.
    pub(super) fn backwards(&self) -> impl Iterator<Item = Sample> {
        self.samples.iter().rev().copied()
    }

    /// The most that was seen of each, in all the time.
    pub(super) fn most(&self) -> Sample {
        self.most
    }

    /// The most of each in the looks that are kept.
    pub(super) fn most_kept(&self) -> Sample {
        self.samples.iter().copied().reduce(Sample::most).unwrap_or_default()
    }
}

impl Sample {
    fn most(self, other: Self) -> Self {
        let cpu = [self.cpu, other.cpu].into_iter().flatten().reduce(f64::max);
        Self { cpu, memory: self.memory.max(other.memory) }
    }
}

fn vitals(status: &Status) -> Option<&Vitals> {
    match &status.state {
        State::Running(vitals) => Some(vitals),
        _ => None,
    }
}

/// The share of one processor between two looks, in percent. Whoever was not there before has begun since; what those have had
/// who are gone by now, nobody tells.
fn share((then, before): &(Duration, Vec<Spent>), (now, spent): &(Duration, Vec<Spent>)) -> Option<f64> {
    let passed = now.checked_sub(*then).filter(|passed| !passed.is_zero())?.as_secs_f64();
    let of_each = spent.iter().map(|spent| {
        let earlier = before.iter().find(|earlier| (earlier.pid, earlier.starttime) == (spent.pid, spent.starttime));
        spent.time.saturating_sub(earlier.map_or(Duration::ZERO, |earlier| earlier.time))
    });
    Some(100.0 * of_each.sum::<Duration>().as_secs_f64() / passed)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::Map;

    pub(in super::super) fn status(state: State) -> Status {
        Status { name: "foo".into(), state, ticks: None, text: None, more: Map::new() }
    }

    pub(in super::super) fn running(spent: &[(i32, u64)], memory: u64) -> State {
        let spent =
            spent.iter().map(|(pid, millis)| Spent { pid: *pid, starttime: 0, time: Duration::from_millis(*millis) });
        State::Running(Vitals {
            pid: 4242,
            uptime: Some(Duration::from_millis(7_503_500)),
            cpu_percent: Some(0.0),
            memory_percent: Some(0.31),
            memory_bytes: Some(memory),
            group_num_procs: Some(spent.len()),
            untold: None,
            spent: spent.collect(),
        })
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn the_share_is_that_since_the_look_before_and_the_first_look_has_none() {
        let mut watched = Watched::default();
        watched.note(seconds(10), Ok(status(running(&[(7, 5_000)], 1))));
        assert_eq!(watched.now(), Sample { cpu: None, memory: Some(1) });
        watched.note(seconds(12), Ok(status(running(&[(7, 6_000)], 3))));
        assert_eq!(watched.now(), Sample { cpu: Some(50.0), memory: Some(3) });
        watched.note(seconds(13), Ok(status(running(&[(7, 6_100)], 2))));
        assert_eq!(watched.most(), Sample { cpu: Some(50.0), memory: Some(3) });
        let cpu: Vec<_> = watched.backwards().map(|sample| sample.cpu.map(f64::round)).collect();
        assert_eq!(cpu, [Some(10.0), Some(50.0), None]);
    }

    #[test]
    fn who_has_begun_since_counts_from_his_beginning_and_who_is_gone_takes_nothing_away() {
        let mut watched = Watched::default();
        watched.note(seconds(1), Ok(status(running(&[(7, 0), (8, 90_000)], 1))));
        watched.note(seconds(2), Ok(status(running(&[(7, 200), (9, 300)], 1))));
        assert_eq!(watched.now().cpu.map(f64::round), Some(50.0));
    }

    #[test]
    fn a_number_that_another_process_has_by_now_is_another_one() {
        let before = (seconds(1), vec![Spent { pid: 7, starttime: 1, time: seconds(50) }]);
        let now = (seconds(2), vec![Spent { pid: 7, starttime: 2, time: seconds(1) }]);
        assert_eq!(share(&before, &now), Some(100.0));
        assert_eq!(share(&now, &now), None);
    }

    #[test]
    fn while_it_does_not_run_there_is_a_gap_and_a_new_one_is_picked_up() {
        let mut watched = Watched::default();
        watched.note(seconds(1), Ok(status(running(&[(7, 100)], 1))));
        watched.note(seconds(2), Ok(status(State::NotRunning)));
        assert_eq!((watched.now(), watched.vitals()), (Sample::default(), None));
        watched.note(seconds(3), Ok(status(running(&[(8, 100)], 2))));
        assert_eq!(watched.now(), Sample { cpu: None, memory: Some(2) });
        watched.note(seconds(4), Err(Error::NotRunning));
        assert_eq!((watched.name(), watched.now()), ("foo", Sample::default()));
    }

    #[test]
    fn the_most_is_that_of_all_the_time_also_of_looks_that_are_not_kept() {
        let mut watched = Watched::default();
        watched.note(seconds(0), Ok(status(running(&[(7, 0)], 1))));
        watched.note(seconds(1), Ok(status(running(&[(7, 900)], 9))));
        (2..3_000).for_each(|second| watched.note(seconds(second), Ok(status(running(&[(7, 900)], 2)))));
        assert_eq!(watched.most(), Sample { cpu: Some(90.0), memory: Some(9) });
        assert_eq!(watched.most_kept(), Sample { cpu: Some(0.0), memory: Some(2) });
    }

    #[test]
    fn no_more_is_kept_than_is_shown() {
        let mut watched = Watched::default();
        (0..3_000).for_each(|second| watched.note(seconds(second), Ok(status(running(&[], second)))));
        let memory: Vec<_> = watched.backwards().filter_map(|sample| sample.memory).collect();
        assert_eq!((memory.len(), memory[0], memory[KEPT - 1]), (KEPT, 2_999, 2_999 - 1_023));
    }
}
