//! Signals, heard by whoever polls: each has a mark of its own, and an eventfd(2) wakes the listener.
//!
//! signal-hook calls the handlers, so that others may listen to the same signals. Its own iterator wakes by a socket, whose
//! send(2) can fail for want of memory: then a shutdown would not be heard of. Writing to an eventfd cannot.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::SigId;

use super::again::again;
use super::latch::Latch;

/// Where signals come in, until it is dropped.
#[derive(Debug)]
pub(crate) struct Ear {
    wake: Latch,
    marks: Vec<(i32, Arc<AtomicBool>)>,
    ids: Vec<SigId>,
    closed: AtomicBool,
}

impl Ear {
    pub(crate) fn listen(signals: &[i32]) -> io::Result<Arc<Self>> {
        let mut ear = Self { wake: Latch::new()?, marks: Vec::new(), ids: Vec::new(), closed: AtomicBool::new(false) };
        for signal in signals {
            let mark = Arc::new(AtomicBool::new(false));
            // The mark first: handlers are called in the order of their registration, and who is woken looks at the marks.
            ear.ids.push(signal_hook::flag::register(*signal, Arc::clone(&mark))?);
            ear.ids.push(ear.wake.note(*signal)?);
            ear.marks.push((*signal, mark));
        }
        Ok(Arc::new(ear))
    }

    /// The signals that have come since this was asked last.
    pub(crate) fn heard(&self) -> Vec<i32> {
        // First the wake-up, then the marks: a signal in between is heard of now, and once more wakes for nothing.
        self.wake.clear();
        let has_come = |(_, mark): &&(i32, Arc<AtomicBool>)| mark.swap(false, Ordering::SeqCst);
        self.marks.iter().filter(has_come).map(|(signal, _)| *signal).collect()
    }

    /// Waits for the next ones, or for the end of the listening.
    pub(crate) fn wait(&self) -> Vec<i32> {
        // What keeps it from waiting only makes it look too early.
        let _ = again(|| poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE));
        self.heard()
    }

    /// Wakes whoever listens, for the last time.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.wake.set();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::consts::{SIGURG, SIGWINCH};

    fn is_woken(ear: &Ear) -> bool {
        poll(&mut [PollFd::new(ear.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).expect("polled") > 0
    }

    #[test]
    fn each_signal_that_has_come_is_heard_once_and_wakes() {
        let ear = Ear::listen(&[SIGURG, SIGWINCH]).expect("registered");
        assert!(ear.heard().is_empty() && !is_woken(&ear));
        for _ in 0..2 {
            signal_hook::low_level::raise(SIGURG).expect("raised");
        }
        assert!(is_woken(&ear));
        assert_eq!(ear.heard(), [SIGURG]);
        assert!(ear.heard().is_empty() && !is_woken(&ear));
        ear.close();
        assert!(is_woken(&ear) && ear.is_closed());
    }
}
