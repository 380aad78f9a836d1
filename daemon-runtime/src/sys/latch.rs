//! A note that a signal has come, which outlives this image of the program: eventfd(2), written to by signal handlers, and
//! still to be read after exec(2).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use signal_hook::SigId;

use super::again::again;

#[derive(Debug, Clone)]
pub(crate) struct Latch(Arc<EventFd>);

impl Latch {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self(Arc::new(EventFd::from_value_and_flags(0, flags)?)))
    }

    /// Notes from now on that this signal has come, and then gives it its default meaning, once all is `over`.
    pub(crate) fn note_until(&self, signal: i32, over: Arc<AtomicBool>) -> io::Result<SigId> {
        let latch = self.clone();
        let heard = move || {
            latch.set();
            if over.load(Ordering::SeqCst) {
                // It knows every signal that can have a handler.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        };
        // SAFETY: the closure makes system calls, reads an atomic, and calls what signal-hook made to be called from handlers.
        unsafe { signal_hook::low_level::register(signal, heard) }
    }

    /// Notes from now on that this signal has come, with a mark of its own, which is there before anybody is woken.
    pub(super) fn note_marked(&self, signal: i32, mark: Arc<AtomicBool>) -> io::Result<SigId> {
        let latch = self.clone();
        let heard = move || {
            mark.store(true, Ordering::SeqCst);
            latch.set();
        };
        // SAFETY: the closure makes system calls and writes an atomic; it neither allocates nor takes a lock, and does not panic.
        unsafe { signal_hook::low_level::register(signal, heard) }
    }

    /// Notes it now.
    pub(super) fn set(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: write(2) is async-signal-safe; the descriptor is open as long as `self`, which owns a share of it, and the
        // eight bytes are our own.
        let write = || unsafe { libc::write(self.0.as_fd().as_raw_fd(), one.as_ptr().cast(), one.len()) };
        // It fails only where it is set already, by as many as it can count.
        while write() < 0 && Errno::last() == Errno::EINTR {}
    }

    /// As if nothing had come.
    pub(super) fn clear(&self) {
        // It fails only where nothing has come.
        let _ = again(|| nix::unistd::read(&*self.0, &mut [0_u8; 8]));
    }

    /// Whether a signal was noted, asked through a descriptor that an image before this one has handed on.
    pub(crate) fn is_set(handed: &OwnedFd) -> bool {
        let mut count = [0_u8; 8];
        matches!(again(|| nix::unistd::read(handed, &mut count)), Ok(8)) && count != [0; 8]
    }
}

impl AsFd for Latch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    #[test]
    fn a_signal_that_has_come_is_noted_once_it_is_asked_for() {
        let latch = Latch::new().expect("made");
        let handed = latch.as_fd().try_clone_to_owned().expect("a copy");
        let over = Arc::new(AtomicBool::new(false));
        let noted = latch.note_until(signal_hook::consts::SIGWINCH, over).expect("registered");
        assert!(!Latch::is_set(&handed));
        let raise = || signal_hook::low_level::raise(signal_hook::consts::SIGWINCH).expect("raised");
        assert_eq!(crate::sys::allocations::during(raise), 0);
        assert!(Latch::is_set(&handed));
        // One that can take no more is set as well, and whoever was interrupted has his errno.
        latch.0.write(u64::MAX - 1).expect("written");
        Errno::set_raw(libc::ENOTTY);
        raise();
        assert_eq!(Errno::last_raw(), libc::ENOTTY);
        signal_hook::low_level::unregister(noted);
    }
}
