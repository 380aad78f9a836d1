//! SIGINT and SIGTERM to a launcher, taken out of their way while a start lasts, so that an interrupted one leaves nothing
//! behind. What is ignored stays ignored.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::sys::disposition::{Mask, is_blocked, is_ignored};
use crate::sys::interrupt::Caught;

#[derive(Debug)]
pub(crate) enum Interrupts {
    /// In a process with one thread they are blocked, and wait.
    Blocked(SignalFd, Mask),
    /// In one with more, where another thread could get them, they are caught.
    Caught(Caught),
}

impl Interrupts {
    /// For a process with one thread.
    pub(crate) fn block() -> io::Result<Self> {
        let wanted: SigSet = wanted().collect();
        let mask = Mask::block(&wanted)?;
        let waiting = SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self::Blocked(waiting, mask))
    }

    /// For a process with any number of threads.
    pub(crate) fn catch() -> io::Result<Self> {
        if is_blocked(Signal::SIGINT)? {
            // They were blocked for this process before it had any threads, and a handler would never be called.
            return Self::block();
        }
        let numbers: Vec<i32> = wanted().map(|signal| signal as i32).collect();
        // Of two starts at the same time in one process, only one can catch them.
        Caught::begin(&numbers)?.map_or_else(Self::block, |caught| Ok(Self::Caught(caught)))
    }

    /// Leaves them as they are, for a child that was forked meanwhile: the mask is not its to restore.
    pub(crate) fn stay(self) {
        if let Self::Blocked(_, mask) = self {
            mem::forget(mask);
        }
    }

    /// The next one that has come, and whether a process has sent it; else the terminal's whole process group has it.
    pub(crate) fn next(&self) -> io::Result<Option<(i32, bool)>> {
        match self {
            Self::Caught(caught) => Ok(caught.next().map(|signal| (signal, true))),
            Self::Blocked(waiting, _) => {
                let info = waiting.read_signal()?;
                Ok(info.and_then(|info| Some((i32::try_from(info.ssi_signo).ok()?, info.ssi_pid != 0))))
            }
        }
    }
}

impl AsFd for Interrupts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Blocked(waiting, _) => waiting.as_fd(),
            Self::Caught(caught) => caught.as_fd(),
        }
    }
}

fn wanted() -> impl Iterator<Item = Signal> {
    [Signal::SIGINT, Signal::SIGTERM].into_iter().filter(|signal| !is_ignored(*signal as i32))
}
