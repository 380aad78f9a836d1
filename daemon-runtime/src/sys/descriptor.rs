//! Descriptors that no Rust object owns: what the launching program leaked.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;

/// The open descriptors above the standard three.
pub(crate) fn open() -> io::Result<Vec<RawFd>> {
    let listed: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    // The listing names its own descriptor too, which is closed by now: only what is still open counts.
    Ok(listed.into_iter().filter(|fd| flags(*fd).is_some()).collect())
}

/// Whether exec(2) would close it, as it does with whatever Rust opens.
pub(crate) fn is_close_on_exec(fd: RawFd) -> bool {
    flags(fd).is_some_and(|flags| flags.contains(FdFlag::FD_CLOEXEC))
}

fn flags(fd: RawFd) -> Option<FdFlag> {
    // SAFETY: the number is only lent to fcntl(2), which says EBADF where it is not open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    fcntl(borrowed, FcntlArg::F_GETFD).ok().map(FdFlag::from_bits_truncate)
}

/// Closes a descriptor by its number.
pub(crate) fn close(fd: RawFd) {
    // SAFETY: callers pass numbers that no Rust object of the daemon owns: they were inherited from the launching program,
    // or the user asked for everything to be closed. close(2) itself cannot do harm with a number that is not open.
    unsafe { libc::close(fd) };
}
