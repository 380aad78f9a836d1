//! What a child that the program forks by itself must not keep open: `pthread_atfork(3)`.

use std::os::fd::RawFd;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::libc;

/// The descriptors; -1 where there is none.
static CLOSED: [AtomicI32; 4] = [const { AtomicI32::new(-1) }; 4];

/// Has these closed in every child, instead of those that were named before. The caller owns them until it names others.
pub(crate) fn close_in_children(fds: &[RawFd]) {
    static REGISTERED: Once = Once::new();
    let numbers = fds.iter().copied().chain(std::iter::repeat(-1));
    for (place, number) in CLOSED.iter().zip(numbers) {
        place.store(number, Ordering::SeqCst);
    }
    REGISTERED.call_once(|| {
        // SAFETY: the function lives as long as the program, never unwinds, and makes system calls only, as the child of a
        // process with threads may. Should the C library be out of memory, children keep what they need not.
        unsafe { libc::pthread_atfork(None, None, Some(close)) };
    });
}

unsafe extern "C" fn close() {
    for place in &CLOSED {
        let number = place.swap(-1, Ordering::SeqCst);
        if number >= 0 {
            // SAFETY: the thread that owns the descriptor is not in this child, so nobody uses its number here.
            unsafe { libc::close(number) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::{AsRawFd, IntoRawFd};
    use std::os::unix::net::UnixStream;

    #[test]
    #[cfg_attr(miri, ignore = "pthread_atfork(3)")]
    fn what_was_named_last_is_closed_once_and_without_memory() {
        let (mut reader, writer) = UnixStream::pair().expect("two");
        close_in_children(&[reader.as_raw_fd()]);
        close_in_children(&[writer.into_raw_fd()]);
        // SAFETY: nobody else owns the number, and nobody uses it after this.
        let allocations = crate::sys::allocations::during(|| unsafe { close() });
        assert_eq!(allocations, 0);
        assert_eq!(reader.read(&mut [0]).expect("read"), 0, "the writing end is closed");
        assert!(CLOSED.iter().all(|place| place.load(Ordering::SeqCst) < 0));
    }
}
