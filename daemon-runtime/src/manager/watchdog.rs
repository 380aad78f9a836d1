//! Signs of life, as often as the manager wants them: `sd_watchdog_enabled(3)`.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

pub(super) const USEC: &str = "WATCHDOG_USEC";
pub(super) const PID: &str = "WATCHDOG_PID";

#[derive(Debug)]
pub(super) struct Watchdog {
    /// How long the daemon may be without a sign of life.
    every: Duration,
    /// Who is looked after.
    worker: ThreadId,
    begun: Instant,
    /// When the last sign was given, in nanoseconds since it was begun, and one more.
    last: AtomicU64,
}

impl Watchdog {
    /// What this process was asked for, if it was.
    pub(super) fn here() -> Option<Self> {
        let number = |key| env::var(key).ok().and_then(|text| text.parse::<u64>().ok());
        let is_meant = env::var_os(PID).is_none() || number(PID) == Some(std::process::id().into());
        number(USEC).filter(|micros| *micros > 0 && is_meant).map(Self::of)
    }

    pub(super) fn of(micros: u64) -> Self {
        let worker = std::thread::current().id();
        Self { every: Duration::from_micros(micros), worker, begun: Instant::now(), last: AtomicU64::new(0) }
    }

    pub(super) fn told(&self) -> u64 {
        u64::try_from(self.every.as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn every(&self) -> Duration {
        self.every
    }

    /// Half of the time, as `sd_watchdog_enabled(3)` advises.
    pub(super) fn pause(&self) -> Duration {
        self.every / 2
    }

    pub(super) fn is_workers_thread(&self) -> bool {
        self.worker == std::thread::current().id()
    }

    /// Whether it is time for another sign; true for one who asks, who then gives it. One who asks all the time must not
    /// give one all the time.
    pub(super) fn is_due(&self) -> bool {
        let now = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
        let last = self.last.load(Ordering::Relaxed);
        let is_due = last == 0 || Duration::from_nanos(now.saturating_sub(last)) >= self.every / 4;
        is_due && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
