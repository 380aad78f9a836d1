//! What a worker sees of its daemon, and the one place where a shutdown is asked for.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::agreement::Agreement;

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

#[derive(Debug)]
struct Shared {
    name: String,
    pid: u32,
    agreement: Arc<Agreement>,
    asked: Mutex<Option<Cause>>,
    changed: Condvar,
}

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
    pub(crate) fn new(name: String, agreement: Arc<Agreement>) -> Self {
        let (asked, changed) = (Mutex::new(None), Condvar::new());
        Self { shared: Arc::new(Shared { name, pid: std::process::id(), agreement, asked, changed }) }
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
        self.shared.agreement.ready();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::new("x".into(), Arc::new(Agreement::for_tests()))
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
