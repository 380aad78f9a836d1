//! The thread that calls the functions that the user has mapped to signals.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use crate::process::mishap;
use crate::sys::disposition;
use crate::sys::ear;

/// A function of the user's.
pub(super) type Call = Arc<dyn Fn() + Send + Sync>;

/// The thread that calls the user's functions.
pub(super) struct Caller {
    calls: Sender<Call>,
    is_busy: Arc<AtomicBool>,
}

impl Caller {
    /// They may take their time, and the watcher must go on watching.
    pub(super) fn begin() -> io::Result<Self> {
        let (sender, calls) = channel::<Call>();
        // A thread that cannot begin ends the process: the standard library aborts. That must be before anybody is told that
        // the daemon is there, so it is waited for; it lets go of its share when it has begun.
        let (has_begun, begun) = channel::<Infallible>();
        let is_busy = Arc::new(AtomicBool::new(false));
        let working = Arc::clone(&is_busy);
        let run = move || {
            drop(has_begun);
            // As in any thread of the program's, and for the children that a function may start.
            let _ = disposition::unblock_all();
            for call in calls {
                working.store(true, Ordering::SeqCst);
                if let Err(panic) = mishap::guarded(|| call()) {
                    mishap::report(&format!("error: the function of a signal panicked: {panic}"));
                }
                working.store(false, Ordering::SeqCst);
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(run)?;
        let _ = begun.recv();
        Ok(Self { calls: sender, is_busy })
    }

    /// Has it call this when it is done with what came before. It lives as long as the watcher.
    pub(super) fn call(&self, call: Call) {
        let _ = self.calls.send(call);
    }

    /// Has it stand still, too, until what comes back is dropped. One that is busy is in the user's hands.
    pub(super) fn hold(&self) -> Option<ear::Held> {
        if self.is_busy.load(Ordering::SeqCst) {
            return None;
        }
        let (held, stillness) = ear::stillness();
        let stillness = Mutex::new(Some(stillness));
        let stand_still = move || {
            if let Some(stillness) = stillness.lock().unwrap_or_else(PoisonError::into_inner).take() {
                stillness.stand();
            }
        };
        self.calls.send(Arc::new(stand_still)).ok()?;
        Some(held.once_still())
    }
}
