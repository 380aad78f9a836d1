//! The daemon's side of the agreement that the start is finished.
//!
//! The daemon says ready, the launcher agrees, and only then prints OK. With `ready = "auto"` it is the launcher that says
//! so, when the worker has lived for `settle`. Until then failures are told to the launcher, and what goes to a stderr that
//! is discarded is kept for it; from then on the daemon is on its own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::stat::fstat;

use super::relay;
use super::startup::{Answer, DaemonEnd, Word};
use super::streams::Later;
use crate::event::event;
use crate::manager::Manager;
use crate::pidfile::Claimed;
use crate::spec::setting::Readiness;

/// How long a daemon that has told its failure waits to learn that it was heard. A launcher answers at once; one that
/// stands still must not keep the daemon from ending.
const HEARING: Duration = Duration::from_secs(5);

pub(crate) struct Agreement {
    /// The daemon. A child that the worker has forked inherits all of this, and must not speak for it.
    pid: u32,
    state: Mutex<State>,
    changed: Condvar,
    readiness: Readiness,
    pidfile: Arc<Claimed>,
    /// The memory of the channel's end, which the watcher is to close and not to give back: see there.
    _memory: Weak<DaemonEnd>,
    /// In the foreground, where there is no launcher: who is told that the daemon is ready.
    announce: Option<Announce>,
    /// In the foreground, and where there is one: the service manager, which is told too.
    manager: Option<Arc<Manager>>,
    announcer: Mutex<Option<JoinHandle<()>>>,
}

/// Who is told in the foreground.
pub(crate) type Announce = Arc<dyn Fn() + Send + Sync>;

#[derive(Debug, Default)]
struct State {
    channel: Option<Arc<DaemonEnd>>,
    /// What takes the places of the pipes once the daemon is ready.
    later: Later,
    said: bool,
    answer: Option<Answer>,
}

impl Agreement {
    /// With a launcher at the other end of the channel.
    pub(crate) fn with_launcher(readiness: Readiness, channel: DaemonEnd, later: Later, pidfile: Arc<Claimed>) -> Self {
        let channel = Arc::new(channel);
        let memory = Arc::downgrade(&channel);
        let state = State { channel: Some(channel), later, ..State::default() };
        Self {
            pid: std::process::id(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            readiness,
            pidfile,
            _memory: memory,
            announce: None,
            manager: None,
            announcer: Mutex::default(),
        }
    }

    /// In the foreground.
    pub(crate) fn alone(
        readiness: Readiness,
        announce: Announce,
        manager: Option<Arc<Manager>>,
        pidfile: Arc<Claimed>,
    ) -> Self {
        let state = Mutex::new(State::default());
        Self {
            pid: std::process::id(),
            state,
            changed: Condvar::new(),
            readiness,
            pidfile,
            _memory: Weak::new(),
            announce: Some(announce),
            manager,
            announcer: Mutex::default(),
        }
    }

    /// The first tick has ended well: with `ready = "auto"`, that is ready.
    pub(crate) fn ready_by_itself(&self) {
        if self.readiness == Readiness::Auto {
            self.ready();
        }
    }

    /// The worker says that it is ready.
    pub(crate) fn ready(&self) {
        if !self.is_daemons() {
            return;
        }
        {
            let mut state = self.lock();
            if std::mem::replace(&mut state.said, true) || state.answer.is_some() {
                return;
            }
            // Before the word: who reads "OK" may count on the streams being where they were asked for, and on what was written
            // having come there.
            relay::pass_on();
            state.later.settle();
            if let Some(channel) = &state.channel {
                channel.say(&Word::Ready { written: [length(io::stdout().as_fd()), length(io::stderr().as_fd())] });
                return;
            }
        }
        self.concluded(Answer::Agreed);
    }

    /// The start is over, in whichever way: called once, by whoever learns of it.
    pub(crate) fn concluded(&self, answer: Answer) {
        let mut state = self.lock();
        if state.answer.replace(answer).is_some() {
            return;
        }
        if answer != Answer::Heard {
            state.later.settle();
            self.pidfile.started();
        }
        if let Some(channel) = state.channel.take().filter(|_| answer == Answer::Agreed) {
            channel.say(&Word::Parted);
        }
        self.changed.notify_all();
        drop(state);
        if answer == Answer::Agreed {
            event!(INFO, "ready");
        }
        if let Some(manager) = self.manager.as_ref().filter(|_| answer == Answer::Agreed) {
            manager.ready();
        }
        if let Some(announce) = self.announce.clone().filter(|_| answer == Answer::Agreed) {
            // From a thread of its own: the worker may hold the lock on stdout, and whoever reads it may be slow.
            let apart = thread::Builder::new().name("announcer".to_owned()).spawn(move || announce());
            *self.announcer.lock().unwrap_or_else(PoisonError::into_inner) = apart.ok();
        }
    }

    /// In the foreground, at the end: waits until what was announced has been told.
    pub(crate) fn wait_for_announcer(&self) {
        let announcer = self.announcer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(announcer) = announcer {
            // It has nothing to tell but what it prints.
            let _ = announcer.join();
        }
    }

    /// Where the daemon has said that it is ready: waits until that was heard, before it lets go of what proves it.
    pub(crate) fn wait_if_said(&self) {
        if self.is_daemons() && self.channel().is_some() {
            let unheard = |state: &mut State| state.said && state.answer.is_none();
            let _heard = self.changed.wait_timeout_while(self.lock(), HEARING, unheard);
        }
    }

    /// Whether the start is not agreed on yet.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().answer.is_none()
    }

    /// The channel, for the thread that waits for the launcher's answer.
    pub(crate) fn channel(&self) -> Option<Arc<DaemonEnd>> {
        self.lock().channel.clone().filter(|_| self.is_daemons())
    }

    /// Whether this process is the daemon, and none that it has forked.
    pub(crate) fn is_daemons(&self) -> bool {
        self.pid == std::process::id()
    }

    /// Tells the launcher, if it still listens.
    pub(crate) fn tell(&self, word: &Word) {
        if let Some(channel) = self.channel() {
            channel.say(word);
        }
    }

    /// Tells the launcher of the failure; false when it did not hear, so that it must be told elsewhere.
    pub(crate) fn tell_failure(&self, word: &Word) -> bool {
        let Some(channel) = self.channel() else { return false };
        channel.say(word);
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), HEARING, |state| state.answer.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        state.answer == Some(Answer::Heard)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a log is; as long as can be, where it is none.
fn length(stream: BorrowedFd<'_>) -> u64 {
    fstat(stream).ok().and_then(|file| u64::try_from(file.st_size).ok()).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agreement").field("state", &self.state).finish_non_exhaustive()
    }
}
