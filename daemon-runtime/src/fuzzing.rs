//! What the fuzz targets beside this crate reach of its private parts: each panics where a promise is broken. It is there
//! only with `--cfg fuzzing`, and no part of the contract.
#![allow(missing_docs, missing_debug_implementations, reason = "nobody but the fuzz targets sees it")]

use std::time::Duration;

use crate::schedule::promise;
use crate::spec;
use crate::spec::setting::Missed;

pub fn pidfile(bytes: &[u8]) {
    crate::pidfile::text::is_read_strictly(bytes);
}

pub fn startup(bytes: &[u8]) {
    crate::process::startup::any_bytes_are_a_word_or_refused(bytes);
}

pub fn handover(text: &str) {
    crate::handover::is_understood_or_none(text);
}

pub struct Timetable {
    pub every: Duration,
    pub jitter: Duration,
    pub delay: Duration,
    pub times: u64,
    pub missed: u8,
}

pub struct Happening {
    pub oversleeps: Duration,
    pub takes: Duration,
    pub set_back: Duration,
}

pub fn schedule(table: &Timetable, happenings: &[Happening]) {
    let Timetable { every, jitter, delay: initial_delay, times, missed } = *table;
    if every.is_zero() {
        // Refused before there is a timetable.
        return;
    }
    let missed = [Missed::Skip, Missed::Burst, Missed::Delay][usize::from(missed % 3)];
    let happening = |Happening { oversleeps, takes, set_back }: &Happening| promise::Happening {
        oversleeps: *oversleeps,
        takes: *takes,
        set_back: *set_back,
    };
    let happenings: Vec<_> = happenings.iter().map(happening).collect();
    promise::is_kept(&spec::Timetable { every, times, missed, jitter, initial_delay }, &happenings);
}
