//! Any timetable, on any clock, with bodies of any length.
//!
//! The input: how missed ticks are treated, how often, then lengths of time of five bytes each, a unit and an amount: period,
//! jitter and delay of the timetable, and three for every tick.

#![no_main]

use std::time::Duration;

use daemon_runtime::fuzzing::{Happening, Timetable};

const LENGTH: usize = 5;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(([missed, times], rest)) = bytes.split_first_chunk() else { return };
    let mut lengths = rest.chunks_exact(LENGTH).map(length);
    let mut next = || lengths.next();
    let (Some(every), Some(jitter), Some(delay)) = (next(), next(), next()) else { return };
    let table = Timetable { every, jitter, delay, times: u64::from(*times), missed: *missed };
    let mut happenings = Vec::new();
    while let (Some(oversleeps), Some(takes), Some(set_back)) = (next(), next(), next()) {
        happenings.push(Happening { oversleeps, takes, set_back });
    }
    daemon_runtime::fuzzing::schedule(&table, &happenings);
});

fn length(bytes: &[u8]) -> Duration {
    let amount = bytes.get(1..).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    let amount = u64::from(amount);
    match bytes.first().copied().unwrap_or_default() {
        b'n' => Duration::from_nanos(amount),
        b'u' => Duration::from_micros(amount),
        b'm' => Duration::from_millis(amount),
        b's' => Duration::from_secs(amount),
        b'd' => Duration::from_secs(amount * 86_400),
        // A length near the longest that there is.
        b'M' => Duration::MAX - Duration::from_nanos(amount),
        unit => Duration::new(amount << (unit % 32), 999_999_999),
    }
}
