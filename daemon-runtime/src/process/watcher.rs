//! The daemon's second thread: it waits for the signals that ask for a shutdown and for the launcher's answer.
//!
//! A signal handler may do next to nothing, so all that a shutdown takes happens here. The handlers are signal-hook's,
//! which calls every handler that anybody registers with it: `tokio::signal` and signal-hook in the worker keep working.

mod caller;

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use self::caller::{Call, Caller};
use super::agreement::Agreement;
use super::reopen::Logs;
use super::startup::{Answer, DaemonEnd, Word};
use super::{end, reason};
use crate::context::{Cause, Context, Request};
#[cfg(feature = "tracing")]
use crate::error::signal_name;
#[cfg(feature = "tracing")]
use crate::event::{self, event};
use crate::manager::Manager;
use crate::pidfile::record::Recorder;
use crate::spec::order::Order;
use crate::spec::signal::SignalAction;
use crate::sys::ear::Ear;
use crate::sys::latch::Latch;
use crate::sys::pidfd::poll_timeout;
use crate::sys::thread::{self as bare, Thread};
use crate::sys::{disposition, exit};

/// What the watcher needs to know of the daemon.
pub(crate) struct Watcher {
    pub(crate) context: Context,
    pub(crate) agreement: Arc<Agreement>,
    /// Whether the worker ends by itself when it is asked to.
    pub(crate) patience: Arc<AtomicBool>,
    /// The signals that ask for a shutdown, besides the three that always do.
    pub(crate) stop_signal: i32,
    /// What the user wants of signals.
    pub(crate) signals: Vec<(i32, SignalAction)>,
    /// What a signal may have opened again.
    pub(crate) logs: Option<Arc<Logs>>,
    /// Where every request for a shutdown is noted, for the next image of the program.
    pub(crate) latch: Latch,
    /// In the foreground, where no launcher counts: when the daemon is taken for ready.
    pub(crate) settled: Option<Instant>,
    /// Where others find what it listens with.
    pub(crate) ear: Listening,
    /// The service manager, if there is one.
    pub(crate) manager: Option<Arc<Manager>>,
}

/// What the watcher listens with, once it does.
pub(crate) type Listening = Arc<OnceLock<Arc<Ear>>>;

/// The watcher at work. Dropped, it is gone, and the signals have their default meaning again.
#[derive(Debug)]
pub(crate) struct Watching {
    pid: u32,
    over: Arc<AtomicBool>,
    ear: Arc<Ear>,
    thread: Option<Thread>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            // A child that the worker has forked: the thread is not here.
            return;
        }
        self.over.store(true, Ordering::SeqCst);
        self.ear.close();
        if let Some(thread) = self.thread.take() {
            thread.join();
        }
    }
}

/// What gives the signals of a daemon that is over their default meaning; it must not do so to the next one.
static DEFAULTS: Mutex<Vec<SigId>> = Mutex::new(Vec::new());

impl Watcher {
    pub(crate) fn spawn(self) -> io::Result<Watching> {
        let over = Arc::new(AtomicBool::new(false));
        let mut signals = self.heard();
        let mut defaults = DEFAULTS.lock().unwrap_or_else(PoisonError::into_inner);
        for id in defaults.drain(..) {
            signal_hook::low_level::unregister(id);
        }
        // First of all: when a reload ends this thread in the middle of a handler, the next image must know.
        for signal in &signals {
            let over = Arc::clone(&over);
            defaults.push(if self.asks_for_shutdown(*signal) {
                self.latch.note_until(*signal, over)?
            } else {
                signal_hook::flag::register_conditional_default(*signal, over)?
            });
        }
        // An order that comes when the daemon is over means nothing to anybody.
        if self.context.recorder().is_some_and(Recorder::tells_of_ticks) {
            signals.extend(Order::ALL.map(Order::signal));
        }
        let ear = Ear::listen(&signals)?;
        let _ = self.ear.set(Arc::clone(&ear));
        // Only now: their thread unblocks what has a handler by now.
        let calls = self.signals.iter().any(|(_, action)| matches!(action, SignalAction::Call(_)));
        let caller = calls.then(Caller::begin).transpose()?;
        let listening = Arc::clone(&ear);
        let thread = bare::begin(c"watcher", move || self.watch(&listening, caller.as_ref()))?;
        Ok(Watching { pid: std::process::id(), over, ear, thread: Some(thread) })
    }

    fn asks_for_shutdown(&self, signal: i32) -> bool {
        !matches!(self.mapped(signal), Some(SignalAction::Call(_) | SignalAction::Reopen))
    }

    /// What the user wants of a signal.
    fn mapped(&self, signal: i32) -> Option<&SignalAction> {
        self.signals.iter().find(|(known, _)| *known == signal).map(|(_, action)| action)
    }

    /// The signals that somebody is to hear of.
    fn heard(&self) -> Vec<i32> {
        let always =
            [SIGTERM, SIGINT, SIGQUIT, self.stop_signal].into_iter().filter(|signal| self.mapped(*signal).is_none());
        let asked = self.signals.iter().filter(|(_, action)| !matches!(action, SignalAction::Ignore)).map(|(s, _)| *s);
        let mut heard: Vec<i32> = always.chain(asked).collect();
        heard.sort_unstable();
        heard.dedup();
        heard
    }

    // While nothing happens it asks for no memory and gives none back: each thread that does gets pages of its own for that.
    fn watch(mut self, ear: &Ear, caller: Option<&Caller>) {
        // The worker may block signals in its own thread: this one takes them all the same.
        let _ = disposition::unblock_all();
        while !ear.is_closed() {
            let channel = self.agreement.channel();
            let answered = self.sleep(ear, channel.as_deref());
            for signal in ear.heard() {
                self.on_signal(signal, caller);
            }
            ear.stand_still_if_asked(|| caller.and_then(Caller::hold));
            if let Some(channel) = channel.filter(|_| answered) {
                self.agreement.concluded(channel.answer());
            }
            if self.pause().is_some() {
                self.context.nudge();
            }
            if self.settled.is_some_and(|at| at <= Instant::now()) {
                self.settled = None;
                self.agreement.concluded(Answer::Agreed);
            }
        }
    }

    /// Sleeps until there is something to do; true if it is the launcher's answer.
    fn sleep(&self, ear: &Ear, channel: Option<&DaemonEnd>) -> bool {
        let signals = PollFd::new(ear.as_fd(), PollFlags::POLLIN);
        let answer = channel.map(|channel| PollFd::new(channel.as_fd(), PollFlags::POLLIN));
        let until_settled = |at: Instant| poll_timeout(at.saturating_duration_since(Instant::now()));
        let settled = self.settled.map(until_settled);
        let timeout = match (settled, self.pause().map(poll_timeout)) {
            (Some(settled), Some(pause)) => settled.min(pause),
            (one, other) => one.or(other).unwrap_or(PollTimeout::NONE),
        };
        let (woken, is_answered) = match answer {
            None => (poll(&mut [signals], timeout), false),
            Some(answer) => {
                let mut fds = [signals, answer];
                (poll(&mut fds, timeout), fds[1].any().unwrap_or(false))
            }
        };
        match woken {
            Ok(_) => is_answered,
            Err(nix::errno::Errno::EINTR) => false,
            Err(_) => {
                // The kernel has no memory for it just now: try again, but not at full speed.
                thread::sleep(Duration::from_millis(100));
                false
            }
        }
    }

    /// How long tasks that wait for a shutdown may be left alone: they give signs of life by looking again.
    fn pause(&self) -> Option<Duration> {
        self.manager.as_ref().and_then(|manager| manager.pause())
    }

    /// To the manager, who asks for a reload by this signal, it goes on as long as the user's function does.
    fn told_of_reload(&self, signal: i32, call: &Call) -> Call {
        match &self.manager {
            Some(manager) if signal == SIGHUP && !self.agreement.is_open() => {
                let (manager, call) = (Arc::clone(manager), Arc::clone(call));
                Arc::new(move || {
                    let _reloading = manager.reloading();
                    call();
                })
            }
            _ => Arc::clone(call),
        }
    }

    fn on_signal(&self, signal: i32, caller: Option<&Caller>) {
        #[cfg(feature = "tracing")]
        event::told_apart(move || {
            event!(INFO, "signal", signal = signal_name(signal));
        });
        if let (Some(SignalAction::Call(call)), Some(caller)) = (self.mapped(signal), caller) {
            caller.call(self.told_of_reload(signal, call));
            return;
        }
        if let Some(SignalAction::Reopen) = self.mapped(signal) {
            self.logs.iter().for_each(Logs::ask);
            return;
        }
        if let Some(order) = Order::brought_by(signal) {
            self.context.heed(order);
            return;
        }
        // Told before it is asked: the worker may end the moment it learns of it.
        if self.agreement.is_open() {
            self.agreement.tell(&Word::Terminated { signal });
        }
        match self.context.ask(Cause::Signal(signal)) {
            Request::First if self.patience.load(Ordering::SeqCst) => {}
            Request::First => finish_apart(signal, 0),
            // Whoever asks twice does not want to wait: not for the worker, and not for `on_shutdown` either.
            Request::Again if end::is_concluding() => {
                end::release();
                exit::at_once(128 + signal);
            }
            Request::Again => finish_apart(signal, 128 + signal),
        }
    }
}

/// Ends the daemon from a thread of its own, because `on_shutdown` may take its time, and the watcher must go on watching.
fn finish_apart(signal: i32, code: i32) {
    let apart = thread::Builder::new().name("shutdown".to_owned()).spawn(move || finish(signal, code));
    if apart.is_err() {
        finish(signal, code);
    }
}

#[allow(clippy::exit, reason = "the worker stands somewhere in its own code: only the process as a whole can end")]
fn finish(signal: i32, code: i32) -> ! {
    end::conclude(&reason::by_signal(signal), code);
    std::process::exit(code)
}
