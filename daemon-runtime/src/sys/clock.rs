//! The clock that nobody sets: `clock_gettime(2)`.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The time on the monotonic clock, which is the same in all processes.
pub(crate) fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}
