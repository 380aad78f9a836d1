//! What a worker sees of its daemon, and the one place where a shutdown is asked for.

pub(crate) mod orders;
mod shutdown;
mod tick;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use self::orders::Orders;
pub use self::shutdown::Shutdown;
pub use self::tick::Tick;
use crate::error::Error;
use crate::manager::{Manager, Socket};
use crate::pidfile::record::Recorder;

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
    instance: Option<u32>,
    powers: Powers,
    /// Who has begun the daemon, and wants to know how it is.
    manager: Option<Arc<Manager>>,
    /// Who tells `status` of it, if somebody does.
    recorder: OnceLock<Recorder>,
    asked: Mutex<Asked>,
    changed: Condvar,
}

/// What the worker can have done through its context.
pub(crate) struct Powers {
    /// Tells that the daemon is ready.
    pub(crate) ready: Box<dyn Fn() + Send + Sync>,
    /// Begins to tell `status` of a daemon that has not done so yet, if that can be.
    pub(crate) tell: Box<dyn Fn() -> Option<Recorder> + Send + Sync>,
    /// Opens the logs again.
    pub(crate) reopen: Box<dyn Fn() -> Result<(), Error> + Send + Sync>,
    /// Begins the program anew; returns only if that fails.
    pub(crate) reload: Reload,
}

/// Begins the program anew, unless a shutdown was asked for.
type Reload = Box<dyn Fn(Option<Cause>) -> Error + Send + Sync>;

/// Whether a shutdown was asked for, and the tasks that wait for it.
#[derive(Debug, Default)]
struct Asked {
    cause: Option<Cause>,
    orders: Orders,
    /// Each under a number of its own, which goes with the task.
    waiting: BTreeMap<u64, Waker>,
    next: u64,
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
    pub(crate) fn new(name: String, instance: Option<u32>, powers: Powers, manager: Option<Arc<Manager>>) -> Self {
        let (recorder, asked, changed) = (OnceLock::new(), Mutex::default(), Condvar::new());
        let pid = std::process::id();
        Self { shared: Arc::new(Shared { name, pid, instance, powers, manager, recorder, asked, changed }) }
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

    /// Which of the `instances` this is, from 0; none where there is but one daemon.
    #[must_use]
    pub fn instance(&self) -> Option<u32> {
        self.shared.instance
    }

    /// Says that the daemon is ready: `start` returns now. What fails from here on is no failure of the start. Said again,
    /// it does nothing.
    pub fn ready(&self) {
        (self.shared.powers.ready)();
    }

    /// Says what the daemon is doing, in a few words on one line. A service manager is told them, `systemctl status` shows
    /// them, and so does our own `status`, up to some 250 bytes.
    ///
    /// For `status` they stand in a file beside the pidfile, which a daemon that does not repeat makes when it says something for
    /// the first time. By then it must be able to: where it has become another user that may not write to the pidfile's folder,
    /// or has another root directory, `status` tells nothing of it. No such thing is an error of the worker's.
    pub fn set_status(&self, text: impl AsRef<str>) {
        if let Some(manager) = self.manager() {
            manager.status(text.as_ref());
        }
        if let Some(recorder) = self.recorder_at_last() {
            recorder.says(text.as_ref());
        }
    }

    /// Gives the service manager a sign of life, where it wants them (`WatchdogSec=` in a systemd unit), and no more often
    /// than it does.
    ///
    /// Most daemons need no such call: the worker gives the sign wherever its thread calls [`wait`](Self::wait) (as long as
    /// that lasts) or [`is_shutdown`](Self::is_shutdown), or awaits [`shutdown`](Self::shutdown), and a repeating daemon
    /// does between its ticks. No other thread gives it in the worker's place, so that a worker that hangs is noticed: in an
    /// async worker what the function itself awaits counts, and not what a task does that it has spawned.
    /// Who is long at work elsewhere, or leaves the work to other threads, says by this that it goes on.
    pub fn beat(&self) {
        if let Some(manager) = self.manager() {
            manager.beat();
        }
    }

    /// The sockets that the service manager has opened for the daemon (`LISTEN_FDS`, a systemd `.socket` unit), in its order.
    /// They are there the first time only; an image of the program that [`reload`](Self::reload) has begun has them again, and
    /// meanwhile who connects waits, and is not refused. Not so a connection (`Accept=yes`) that was taken: it ends when the
    /// worker lets go of it, and at a reload. Close-on-exec is set.
    ///
    /// ```no_run
    /// # use std::net::TcpListener;
    /// fn worker(ctx: &daemon_runtime::Context) -> std::io::Result<()> {
    ///     let listener = match ctx.sockets().into_iter().next() {
    ///         Some(socket) => socket.into_tcp_listener()?,
    ///         None => TcpListener::bind("127.0.0.1:7070")?,
    ///     };
    ///     # let _ = listener;
    ///     Ok(())
    /// }
    /// ```
    #[must_use = "they are there only once"]
    pub fn sockets(&self) -> Vec<Socket> {
        self.manager().map(Manager::take_sockets).unwrap_or_default()
    }

    /// Whether a shutdown was asked for.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        self.be_alive();
        self.asked().is_some()
    }

    /// Sleeps for `time`; true as soon as a shutdown is asked for.
    pub fn wait(&self, time: Duration) -> bool {
        match self.manager().and_then(Manager::pause_of_worker) {
            Some(pause) => self.sleep_in_pieces(time, pause),
            None => self.sleep(time),
        }
    }

    /// Sleeps with a sign of life at the beginning of each piece.
    fn sleep_in_pieces(&self, time: Duration, pause: Duration) -> bool {
        let until = Instant::now().checked_add(time);
        loop {
            self.be_alive();
            let left = until.map_or(time, |until| until.saturating_duration_since(Instant::now()));
            if self.sleep(left.min(pause)) {
                return true;
            }
            if left <= pause {
                return false;
            }
        }
    }

    fn be_alive(&self) {
        if let Some(manager) = self.manager() {
            manager.beat_of_worker();
        }
    }

    fn manager(&self) -> Option<&Manager> {
        self.shared.manager.as_deref()
    }

    fn sleep(&self, time: Duration) -> bool {
        let (asked, _) = self
            .shared
            .changed
            .wait_timeout_while(self.lock(), time, |asked| asked.cause.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        asked.cause.is_some()
    }

    /// Done as soon as a shutdown is asked for. It needs no particular async runtime, and may be dropped at any time.
    ///
    /// ```no_run
    /// # async fn next_request() {}
    /// async fn worker(ctx: &daemon_runtime::Context) {
    ///     let mut shutdown = std::pin::pin!(ctx.shutdown());
    ///     // with tokio: tokio::select! { () = &mut shutdown => return, () = next_request() => {} }
    ///     # let _ = shutdown.as_mut();
    /// }
    /// ```
    pub fn shutdown(&self) -> Shutdown {
        Shutdown { context: self.clone(), place: None }
    }

    /// Opens the files of stdout and stderr again by their paths, as after a rotation, and returns when what is printed goes
    /// there. It is what SIGHUP does where `signals` says nothing else of it; a function for SIGHUP may want it too. Where neither
    /// stream is the file of a path, in the foreground, and where the worker has put something else in the stream's place, there
    /// is nothing to do.
    ///
    /// The files are opened as the user that the daemon is by now, through no link of another user's; one that is not there is
    /// made. Children that the worker has started keep the file that they were given, unless `output = "relayed"`.
    ///
    /// # Errors
    /// [`Error::Stream`], where a file cannot be opened: what is written to that stream goes on to the old one.
    pub fn reopen(&self) -> Result<(), Error> {
        (self.shared.powers.reopen)()
    }

    /// Begins the program anew, in this very process: the same program (as it is now on disk) with the same arguments, by
    /// exec. The pid, the claim, the pidfile, the session, the streams (and under which path they are opened again) and the user stay, so that nobody outside notices; it
    /// works in the foreground too. On success it does not return, no destructor runs, and `on_shutdown` is not called,
    /// because the daemon has not ended.
    ///
    /// The new program's `main` must lead to the same call again. What the attribute says is then done anew, except for
    /// what stays: detaching, root directory, user and environment.
    ///
    /// A request for a shutdown that comes meanwhile is heard by the new program. A link on the way to the program, as it was
    /// called, is followed anew, so that it may lead to a newer version.
    ///
    /// # Errors
    /// What is returned is always an error, and this program goes on as if nothing had been: the new one could not be begun
    /// ([`Error::Anew`]), the start is not agreed on yet ([`Error::StartInProgress`], right after `ready()`), a shutdown
    /// was asked for ([`Error::EndInProgress`]), or this process was forked by the worker ([`Error::OfAnother`]).
    ///
    /// ```no_run
    /// # fn config_has_changed() -> bool { true }
    /// fn worker(ctx: &daemon_runtime::Context) {
    ///     while !ctx.wait(std::time::Duration::from_secs(1)) {
    ///         if config_has_changed() {
    ///             eprintln!("{}", ctx.reload());
    ///         }
    ///     }
    /// }
    /// ```
    #[must_use = "it returns only if it has failed"]
    pub fn reload(&self) -> Error {
        (self.shared.powers.reload)(self.asked())
    }

    /// Asks for the daemon's own shutdown, as a signal would.
    pub fn stop(&self) {
        self.ask(Cause::Worker);
    }

    /// Asks for the shutdown. The first cause is the one that is told at the end.
    pub(crate) fn ask(&self, cause: Cause) -> Request {
        // First of all: the daemon may be gone the moment its worker knows.
        if let Some(manager) = self.manager() {
            manager.stopping();
        }
        let mut asked = self.lock();
        if asked.cause.is_some() {
            return Request::Again;
        }
        asked.cause = Some(cause);
        let waiting = std::mem::take(&mut asked.waiting);
        drop(asked);
        // Not under the lock: who is woken takes it, and would have to sleep again.
        self.shared.changed.notify_all();
        // Not under the lock: a waker is foreign code.
        waiting.into_values().for_each(Waker::wake);
        Request::First
    }

    /// Has every task that waits for the shutdown look again, which is its sign of life.
    pub(crate) fn nudge(&self) {
        let waiting: Vec<Waker> = self.lock().waiting.values().cloned().collect();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits for the shutdown where the work is done elsewhere, by somebody whose end would be known.
    pub(crate) fn wait_for_others(&self) {
        let pause = self.manager().and_then(Manager::pause).unwrap_or(Duration::MAX);
        while !self.sleep(pause) {
            self.beat();
        }
    }

    pub(crate) fn asked(&self) -> Option<Cause> {
        self.lock().cause
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon").field("name", &self.name).field("pid", &self.pid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;

    fn context() -> Context {
        let powers = Powers {
            ready: Box::new(|| {}),
            tell: Box::new(|| None),
            reopen: Box::new(|| Ok(())),
            reload: Box::new(|_| Error::NotRunning),
        };
        Context::new("x".into(), None, powers, None)
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
    fn a_task_that_awaits_the_shutdown_is_woken_by_it() {
        struct Woken(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let (ctx, woken) = (context(), Arc::new(Woken(false.into())));
        let waker = Waker::from(Arc::clone(&woken));
        let mut task = std::task::Context::from_waker(&waker);
        let mut shutdown = std::pin::pin!(ctx.shutdown());
        assert_eq!(shutdown.as_mut().poll(&mut task), Poll::Pending);
        ctx.stop();
        assert!(woken.0.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!(shutdown.as_mut().poll(&mut task), Poll::Ready(()));
    }

    #[test]
    fn a_task_that_waits_no_more_leaves_nothing_behind() {
        let ctx = context();
        let mut task = std::task::Context::from_waker(Waker::noop());
        for _ in 0..3 {
            let mut shutdown = Box::pin(ctx.shutdown());
            assert_eq!(shutdown.as_mut().poll(&mut task), Poll::Pending);
            assert_eq!(shutdown.as_mut().poll(&mut task), Poll::Pending);
            assert_eq!(ctx.lock().waiting.len(), 1);
        }
        assert!(ctx.lock().waiting.is_empty());
    }

    #[test]
    fn the_first_cause_is_kept() {
        let ctx = context();
        assert_eq!(ctx.ask(Cause::Signal(15)), Request::First);
        assert_eq!(ctx.ask(Cause::Signal(2)), Request::Again);
        assert_eq!(ctx.asked(), Some(Cause::Signal(15)));
    }
}
