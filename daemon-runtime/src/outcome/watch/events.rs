//! What the view waits for: a key, a signal, or the moment of the next look. It sleeps until then.
//!
//! The terminal goes on making signals of Ctrl-C, Ctrl-\ and Ctrl-Z, so that they are the same from a key and from a process.
//! All are caught for as long as the view is there, and mean what they meant before after it.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, raise};
use nix::unistd::read;

use crate::sys::disposition::is_ignored;
use crate::sys::interrupt::Caught;
use crate::sys::pidfd::poll_timeout;

const SIGNALS: [i32; 7] =
    [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGTSTP, libc::SIGCONT, libc::SIGWINCH];

const ESCAPE: u8 = 0x1b;

/// How long what follows an escape in a key's sequence may take, over a slow line.
const PIECES: Duration = Duration::from_millis(50);

/// Why the view is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// By nothing: the time is over.
    None,
    /// The terminal has another size, or there was a key that means nothing.
    Resized,
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
    caught: Caught,
    /// Whether there are keys: stdin may be something else.
    keys: bool,
}

impl Events {
    pub(super) fn begin() -> io::Result<Self> {
        // What is ignored stays ignored.
        let wanted: Vec<i32> = SIGNALS.into_iter().filter(|signal| !is_ignored(*signal)).collect();
        let caught = Caught::begin(&wanted)?;
        let caught = caught.ok_or_else(|| io::Error::other("another action of this process has its signals"))?;
        Ok(Self { caught, keys: io::stdin().is_terminal() })
    }

    /// The next one; `None` after so long.
    pub(super) fn next(&mut self, timeout: Duration) -> io::Result<Event> {
        let stdin = io::stdin();
        let mut fds = vec![PollFd::new(self.caught.as_fd(), PollFlags::POLLIN)];
        if self.keys {
            fds.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut fds, poll_timeout(timeout)) {
            Ok(0) => return Ok(Event::None),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has_key = fds.get(1).is_some_and(|stdin| stdin.any().unwrap_or(true));
        if let Some(signal) = self.caught.next() {
            return Ok(meaning(signal));
        }
        if has_key { key() } else { Ok(Event::Resized) }
    }

    /// Stops this process as the signal would have done if it were not caught, and returns when it is continued.
    pub(super) fn suspend(self) -> io::Result<Self> {
        // Uncaught, because a stop is nothing to a process whose shell could not continue it; and whoever ends it meanwhile
        // finds the terminal in order.
        drop(self);
        raise(Signal::SIGTSTP)?;
        Self::begin()
    }
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

fn key() -> io::Result<Event> {
    let mut bytes = [0; 64];
    let count = match read(io::stdin().as_fd(), &mut bytes) {
        // The terminal is gone.
        Ok(0) | Err(Errno::EIO) => return Ok(Event::Ended(libc::SIGHUP)),
        Ok(count) => count,
        Err(Errno::EINTR | Errno::EAGAIN) => 0,
        Err(error) => return Err(error.into()),
    };
    Ok(match bytes.get(..count).unwrap_or_default() {
        [ESCAPE] if !has_more()? => Event::Left,
        // An arrow, or any other key that comes as a sequence.
        [ESCAPE, ..] => Event::Resized,
        keys if keys.iter().any(|key| matches!(key, b'q' | b'Q')) => Event::Left,
        _ => Event::Resized,
    })
}

/// Whether an escape was only the beginning.
fn has_more() -> io::Result<bool> {
    let stdin = io::stdin();
    match poll(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)], poll_timeout(PIECES)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
