//! Signals, heard by whoever polls: each has a mark of its own, and an eventfd(2) wakes the listener.
//!
//! signal-hook calls the handlers, so that others may listen to the same signals. Its own iterator wakes by a socket, whose
//! send(2) can fail for want of memory: then a shutdown would not be heard of. Writing to an eventfd cannot.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use signal_hook::SigId;

use super::again::again;
use super::disposition::Mask;
use super::latch::Latch;

/// How long a listener may take to stand still.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where signals come in, until it is dropped.
#[derive(Debug)]
pub(crate) struct Ear {
    wake: Latch,
    marks: Vec<(i32, Arc<AtomicBool>)>,
    ids: Vec<SigId>,
    closed: AtomicBool,
    hold: Mutex<Option<Stillness>>,
}

/// A thread that stands still with all signals blocked, so that none is in its hands when exec(2) ends it: that one would be
/// lost, neither handled nor pending any more. It goes on when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    is_still: Receiver<()>,
    _go_on: Sender<()>,
}

/// For the thread that is to stand still.
#[derive(Debug)]
pub(crate) struct Stillness {
    still: Sender<()>,
    wait: Receiver<()>,
}

/// For one who wants a thread to stand still, and for that thread.
pub(crate) fn stillness() -> (Held, Stillness) {
    let ((still, is_still), (go_on, wait)) = (channel(), channel());
    (Held { is_still, _go_on: go_on }, Stillness { still, wait })
}

impl Held {
    /// Once it stands still; one that takes longer is gone, or has no ear for us.
    pub(crate) fn once_still(self) -> Self {
        let _ = self.is_still.recv_timeout(PATIENCE);
        self
    }
}

impl Stillness {
    /// Stands still until it is let go.
    pub(crate) fn stand(self) {
        let Ok(_mask) = Mask::block(&SigSet::all()) else { return };
        let _ = self.still.send(());
        // It ends when the other end is dropped.
        let _ = self.wait.recv();
    }
}

impl Ear {
    pub(crate) fn listen(signals: &[i32]) -> io::Result<Arc<Self>> {
        let (wake, closed, hold) = (Latch::new()?, AtomicBool::new(false), Mutex::new(None));
        let mut ear = Self { wake, marks: Vec::new(), ids: Vec::new(), closed, hold };
        for signal in signals {
            let mark = Arc::new(AtomicBool::new(false));
            ear.ids.push(ear.wake.note_marked(*signal, Arc::clone(&mark))?);
            ear.marks.push((*signal, mark));
        }
        Ok(Arc::new(ear))
    }

    /// The signals that have come since this was asked last. All of them are to be taken.
    pub(crate) fn heard(&self) -> impl Iterator<Item = i32> {
        // First the wake-up, then the marks: a signal in between is heard of now, and once more wakes for nothing.
        self.wake.clear();
        let has_come = |(_, mark): &&(i32, Arc<AtomicBool>)| mark.swap(false, Ordering::SeqCst);
        self.marks.iter().filter(has_come).map(|(signal, _)| *signal)
    }

    /// Has the listener stand still.
    pub(crate) fn hold(&self) -> Held {
        let (held, stillness) = stillness();
        *self.asked() = Some(stillness);
        self.wake.set();
        held.once_still()
    }

    /// For the listener, whenever it was woken: stands still if it is asked to, and before that has those stand still who work
    /// for it.
    pub(crate) fn stand_still_if_asked(&self, hold_others: impl FnOnce() -> Option<Held>) {
        let asked = self.asked().take();
        if let Some(stillness) = asked {
            let _others = hold_others();
            stillness.stand();
        }
    }

    fn asked(&self) -> MutexGuard<'_, Option<Stillness>> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next ones, or for the end of the listening.
    pub(crate) fn wait(&self) -> Vec<i32> {
        if again(|| poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)).is_err() {
            // The kernel has no memory for it just now: look too early, but not at full speed.
            std::thread::sleep(Duration::from_millis(100));
        }
        self.heard().collect()
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
    fn a_listener_that_is_held_takes_no_signal_until_it_goes_on() {
        let ear = Ear::listen(&[SIGURG]).expect("registered");
        let listening = Arc::clone(&ear);
        let listener = std::thread::spawn(move || {
            while !listening.is_closed() {
                listening.wait();
                listening.stand_still_if_asked(|| None);
            }
        });
        let held = ear.hold();
        let status = std::fs::read_to_string("/proc/self/status").expect("read");
        assert!(status.contains("Threads:"), "{status}");
        let all = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let tasks = std::fs::read_dir("/proc/self/task").expect("listed").map(|task| all(task.expect("an entry")));
        let blocked = tasks.filter(|status| status.lines().any(|line| line.starts_with("SigBlk:\tfffffffe7ffb")));
        assert_eq!(blocked.count(), 1);
        drop(held);
        ear.close();
        listener.join().expect("it goes on");
    }

    #[test]
    fn each_signal_that_has_come_is_heard_once_and_wakes() {
        let ear = Ear::listen(&[SIGURG, SIGWINCH]).expect("registered");
        assert!(ear.heard().next().is_none() && !is_woken(&ear));
        for _ in 0..2 {
            signal_hook::low_level::raise(SIGURG).expect("raised");
        }
        assert!(is_woken(&ear));
        assert_eq!(ear.heard().collect::<Vec<_>>(), [SIGURG]);
        assert!(ear.heard().next().is_none() && !is_woken(&ear));
        ear.close();
        assert!(is_woken(&ear) && ear.is_closed());
    }
}
