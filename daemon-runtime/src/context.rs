//! What a worker sees of its daemon, and the one place where a shutdown is asked for.

use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The daemon as its worker sees it. Clones are the same daemon, and may go to other threads.
///
/// ```no_run
/// use daemon_runtime::Context;
/// use std::time::Duration;
///
/// fn worker(ctx: &Context) {
///     let queue = connect();
///     ctx.ready(); // `start` returns now
///     while !ctx.wait(Duration::from_millis(200)) {
///         queue.poll();
///     }
/// }
/// # struct Queue; impl Queue { fn poll(&self) {} } fn connect() -> Queue { Queue }
/// ```
#[derive(Debug, Clone)]
pub struct Context {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    pid: u32,
    /// Whom to tell that the daemon is ready.
    ready: OnReady,
    asked: Mutex<Option<Cause>>,
    changed: Condvar,
}

/// What is called when the worker says that it is ready.
pub(crate) type OnReady = Box<dyn Fn() + Send + Sync>;

/// Why the daemon should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A signal asked for it.
    Signal(i32),
    /// The worker asked for it itself.
    Worker,
}

/// Whether a request for shutdown is the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    First,
    Again,
}

impl Context {
    pub(crate) fn new(name: String, ready: OnReady) -> Self {
        let (asked, changed) = (Mutex::new(None), Condvar::new());
        Self { shared: Arc::new(Shared { name, pid: std::process::id(), ready, asked, changed }) }
    }

    /// The daemon's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The daemon's pid, which is the number in the pidfile.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.shared.pid
    }

    /// Says that the daemon is ready: `start` returns now. What fails from here on is no failure of the start. Said again,
    /// it does nothing.
    pub fn ready(&self) {
        (self.shared.ready)();
    }

    /// Whether a shutdown was asked for.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        self.asked().is_some()
    }

    /// Sleeps for `time`; true as soon as a shutdown is asked for.
    pub fn wait(&self, time: Duration) -> bool {
        let (asked, _) = self
            .shared
            .changed
            .wait_timeout_while(self.lock(), time, |asked| asked.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        asked.is_some()
    }

    /// Asks for the daemon's own shutdown, as a signal would.
    pub fn stop(&self) {
        self.ask(Cause::Worker);
    }

    pub(crate) fn wait_until(&self, at: Option<Instant>) -> bool {
        match at {
            Some(at) => self.wait(at.saturating_duration_since(Instant::now())),
            None => self.wait(Duration::MAX),
        }
    }

    /// Asks for the shutdown. The first cause is the one that is told at the end.
    pub(crate) fn ask(&self, cause: Cause) -> Request {
        let mut asked = self.lock();
        if asked.is_some() {
            return Request::Again;
        }
        *asked = Some(cause);
        self.shared.changed.notify_all();
        Request::First
    }

    pub(crate) fn asked(&self) -> Option<Cause> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Cause>> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon").field("name", &self.name).field("pid", &self.pid).finish_non_exhaustive()
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::new("x".into(), Box::new(|| {}))
    }

    #[test]
    fn a_wait_that_nobody_ends_lasts_its_time_and_says_so() {
        assert!(!context().wait(Duration::from_millis(1)));
    }

    #[test]
    fn a_shutdown_ends_every_wait_at_once_and_for_good() {
        let ctx = context();
        let waiting = std::thread::spawn({
            let ctx = ctx.clone();
            move || ctx.wait(Duration::MAX)
        });
        ctx.stop();
        assert!(waiting.join().expect("joined") && ctx.is_shutdown() && ctx.wait(Duration::MAX));
    }

    #[test]
    fn the_first_cause_is_kept() {
        let ctx = context();
        assert_eq!(ctx.ask(Cause::Signal(15)), Request::First);
        assert_eq!(ctx.ask(Cause::Signal(2)), Request::Again);
        assert_eq!(ctx.asked(), Some(Cause::Signal(15)));
    }
}
