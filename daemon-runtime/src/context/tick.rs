//! One run of a repeating daemon's body.

use std::ops::Deref;
use std::time::{Duration, Instant};

use super::Context;

/// One run of a repeating daemon's body. It derefs to the daemon's [`Context`].
#[derive(Debug)]
pub struct Tick {
    number: u64,
    scheduled: Instant,
    lateness: Duration,
    context: Context,
}

impl Tick {
    pub(crate) fn new(context: Context) -> Self {
        Self { number: 0, scheduled: Instant::now(), lateness: Duration::ZERO, context }
    }

    /// Makes it the next one, so that a tick costs no memory.
    pub(crate) fn turn(&mut self, number: u64, scheduled: Instant, lateness: Duration) {
        (self.number, self.scheduled, self.lateness) = (number, scheduled, lateness);
    }

    /// Its place in the schedule: tick n is due at start + n * `every`, so the first is 0, and missed ticks leave a gap.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// When it was due, `jitter` included, on the monotonic clock.
    #[must_use]
    pub fn scheduled(&self) -> Instant {
        self.scheduled
    }

    /// How long after [`scheduled`](Self::scheduled) the body was called.
    #[must_use]
    pub fn lateness(&self) -> Duration {
        self.lateness
    }

    /// The daemon's context.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }
}

impl Deref for Tick {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}
