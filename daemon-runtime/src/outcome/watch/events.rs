//! What the view waits for: a key, a signal, a terminal that takes more, or the moment of the next look. It sleeps until then.
//!
//! The terminal goes on making signals of Ctrl-C, Ctrl-\ and Ctrl-Z, so that they are the same from a key and from a process.
//! All are caught for as long as the view is there, and mean what they meant before after it.

mod keys;

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::unistd::read;

use self::keys::{Key, Keys};
use crate::sys::clock::monotonic;
use crate::sys::disposition::{Mask, is_default, is_ignored};
use crate::sys::interrupt::Caught;
use crate::sys::pidfd::poll_timeout;

const SIGNALS: [i32; 7] =
    [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGTSTP, libc::SIGCONT, libc::SIGWINCH];

/// What ends nobody by default, or tells of a fault in the program after which it could not go on: signal(7). All others would end
/// the view with the terminal as it is.
const NOT_OURS: [Signal; 13] = [
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGCHLD,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGKILL,
    Signal::SIGSEGV,
    Signal::SIGSTOP,
    Signal::SIGSYS,
    Signal::SIGTRAP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGURG,
];

/// Why the view is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// By nothing that needs a new picture: the time is over, or the terminal takes more.
    None,
    /// The terminal has another size.
    Resized,
    /// The screen is to be drawn anew.
    Anew,
    /// It is to stop until it is continued.
    Suspended,
    /// It was stopped without being asked, and goes on.
    Continued,
    /// The person has seen enough.
    Left,
    /// A signal asks for its end.
    Ended(i32),
}

/// Where they come from.
#[derive(Debug)]
pub(super) struct Events {
    /// Lifted from the signals, which whoever has begun this process may have blocked; put back before they are let go.
    mask: Mask,
    caught: Caught,
    /// Nothing where stdin is no terminal.
    keys: Option<Keys>,
}

impl Events {
    pub(super) fn begin() -> io::Result<Self> {
        let wanted = wanted();
        let caught = Caught::begin(&wanted)?;
        let caught = caught.ok_or_else(|| io::Error::other("another action of this process has its signals"))?;
        // A real-time signal that is blocked stays so, and ends nobody.
        let ours: SigSet = wanted.into_iter().filter_map(|signal| Signal::try_from(signal).ok()).collect();
        let mask = Mask::unblock(&ours)?;
        Ok(Self { mask, caught, keys: io::stdin().is_terminal().then(Keys::default) })
    }

    /// The next one; `None` after so long, or when the terminal behind the descriptor takes more.
    pub(super) fn next(&mut self, timeout: Duration, unsent: Option<BorrowedFd<'_>>) -> io::Result<Event> {
        let patience = self.keys.as_ref().and_then(|keys| keys.patience(monotonic()));
        let timeout = patience.map_or(timeout, |patience| patience.min(timeout));
        let stdin = io::stdin();
        let mut fds = vec![PollFd::new(self.caught.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.keys.is_some().then(|| PollFd::new(stdin.as_fd(), PollFlags::POLLIN)));
        fds.extend(unsent.map(|terminal| PollFd::new(terminal, PollFlags::POLLOUT)));
        match poll(&mut fds, poll_timeout(timeout)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has_key = fds.get(1).is_some_and(|stdin| stdin.any().unwrap_or(true));
        if let Some(event) = self.signal() {
            return Ok(event);
        }
        match &mut self.keys {
            Some(keys) if has_key => typed(keys),
            Some(keys) => Ok(keys.wait(monotonic()).map_or(Event::None, of_key)),
            None => Ok(Event::None),
        }
    }

    /// What the signals ask for that have come. Many changes of size are one.
    fn signal(&self) -> Option<Event> {
        let mut event = None;
        while let Some(signal) = self.caught.next() {
            event = Some(meaning(signal));
            if event != Some(Event::Resized) {
                break;
            }
        }
        event
    }

    /// Stops this process as the signal would have done if it were not caught, and returns when it is continued.
    pub(super) fn suspend(self) -> io::Result<Self> {
        let Self { mask, caught, .. } = self;
        // Uncaught, because a stop is nothing to a process whose shell could not continue it; and whoever ends it meanwhile
        // finds the terminal in order. Not blocked, because it would come again and again.
        drop(caught);
        raise(Signal::SIGTSTP)?;
        drop(mask);
        Self::begin()
    }
}

/// What is ignored stays ignored; and what would end a process, but the program has a handler for, stays with that.
fn wanted() -> Vec<i32> {
    let others = Signal::iterator().filter(|signal| !NOT_OURS.contains(signal)).map(|signal| signal as i32);
    let others = others.filter(|signal| !SIGNALS.contains(signal)).chain(libc::SIGRTMIN()..=libc::SIGRTMAX());
    let ours = SIGNALS.into_iter().filter(|signal| !is_ignored(*signal));
    ours.chain(others.filter(|signal| is_default(*signal))).collect()
}

fn meaning(signal: i32) -> Event {
    match signal {
        libc::SIGINT => Event::Left,
        libc::SIGTSTP => Event::Suspended,
        libc::SIGCONT => Event::Continued,
        libc::SIGWINCH => Event::Resized,
        signal => Event::Ended(signal),
    }
}

fn typed(keys: &mut Keys) -> io::Result<Event> {
    let mut bytes = [0; 64];
    let count = match read(io::stdin().as_fd(), &mut bytes) {
        // The terminal is gone.
        Ok(0) | Err(Errno::EIO) => return Ok(Event::Ended(libc::SIGHUP)),
        Ok(count) => count,
        Err(Errno::EINTR | Errno::EAGAIN) => 0,
        Err(error) => return Err(error.into()),
    };
    let key = keys.read(monotonic(), bytes.get(..count).unwrap_or_default());
    Ok(key.map_or(Event::None, of_key))
}

fn of_key(key: Key) -> Event {
    match key {
        Key::Leave => Event::Left,
        Key::Redraw => Event::Anew,
    }
}
