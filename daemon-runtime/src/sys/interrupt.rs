//! Signals caught on behalf of a whole process, whichever of its threads they reach: sigaction(2), with a handler that only
//! writes to a pipe.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::pipe2;

use super::disposition::current;

/// Where the handler writes to; -1 where nobody wants to know.
static WRITER: AtomicI32 = AtomicI32::new(-1);

/// How many threads are in the handler just now.
static NOTING: AtomicUsize = AtomicUsize::new(0);

/// Signals that are caught for as long as this lives. Afterwards they have the meaning they had.
pub(crate) struct Caught {
    before: Vec<(i32, libc::sigaction)>,
    reader: OwnedFd,
    _writer: OwnedFd,
}

impl Caught {
    /// Catches these signals; nothing where another does so already.
    pub(crate) fn begin(signals: &[i32]) -> io::Result<Option<Self>> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        if WRITER.compare_exchange(-1, writer.as_raw_fd(), Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return Ok(None);
        }
        let mut caught = Self { before: Vec::new(), reader, _writer: writer };
        for signal in signals {
            caught.before.push((*signal, catch(*signal)?));
        }
        Ok(Some(caught))
    }

    /// The next signal that has come, if one has.
    pub(crate) fn next(&self) -> Option<i32> {
        let mut number = [0_u8; 1];
        match nix::unistd::read(&self.reader, &mut number) {
            Ok(1) => Some(i32::from(number[0])),
            _ => None,
        }
    }
}

impl AsFd for Caught {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        for (signal, before) in &self.before {
            if !is_ours(*signal) {
                // The program has set a handler of its own meanwhile.
                continue;
            }
            // SAFETY: the action is the one that the kernel gave us, so its handler, if it names one, is one of this program.
            unsafe { libc::sigaction(*signal, before, std::ptr::null_mut()) };
        }
        // Before the pipe is closed: a handler that still runs in another thread must not write to what gets its number.
        WRITER.store(-1, Ordering::SeqCst);
        while NOTING.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
    }
}

fn catch(signal: i32) -> io::Result<libc::sigaction> {
    // SAFETY: all-zero is a valid `sigaction`: SIG_DFL, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut before = action;
    action.sa_sigaction = note as extern "C" fn(libc::c_int) as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: both point to valid values of the right type, and the handler is async-signal-safe: it makes one system call.
    match unsafe { libc::sigaction(signal, &raw const action, &raw mut before) } {
        0 => Ok(before),
        _ => Err(io::Error::last_os_error()),
    }
}

fn is_ours(signal: i32) -> bool {
    current(signal).is_ok_and(|action| action.sa_sigaction == note as extern "C" fn(libc::c_int) as usize)
}

extern "C" fn note(signal: libc::c_int) {
    let errno = Errno::last_raw();
    NOTING.fetch_add(1, Ordering::SeqCst);
    let number = [u8::try_from(signal).unwrap_or_default()];
    // SAFETY: write(2) is async-signal-safe, and says EBADF where nobody wants to know any more.
    unsafe { libc::write(WRITER.load(Ordering::SeqCst), number.as_ptr().cast(), 1) };
    NOTING.fetch_sub(1, Ordering::SeqCst);
    Errno::set_raw(errno);
}

impl std::fmt::Debug for Caught {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caught")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::allocations;

    #[test]
    #[cfg_attr(miri, ignore = "sigaction(2)")]
    fn a_handler_allocates_nothing_and_leaves_errno_as_it_was() {
        let caught = Caught::begin(&[libc::SIGURG]).expect("caught").expect("by nobody else");
        let noted = || {
            Errno::set_raw(libc::ENOTTY);
            (allocations::during(|| note(libc::SIGURG)), Errno::last_raw())
        };
        Errno::set_raw(libc::ENOTTY);
        let allocations = allocations::during(|| signal_hook::low_level::raise(libc::SIGURG).expect("raised"));
        assert_eq!((allocations, Errno::last_raw()), (0, libc::ENOTTY));
        assert_eq!(caught.next(), Some(libc::SIGURG));
        // A pipe that is full, or gone, is nobody's trouble.
        (0..=u16::MAX).for_each(|_| note(libc::SIGURG));
        assert_eq!(noted(), (0, libc::ENOTTY));
        drop(caught);
        assert_eq!(noted(), (0, libc::ENOTTY));
        assert_eq!(NOTING.load(Ordering::SeqCst), 0);
    }
}
