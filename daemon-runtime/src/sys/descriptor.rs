//! Descriptors that no Rust object owns: what the launching program leaked.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::dir::Dir;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::libc;
use nix::sys::stat::Mode;

/// The table of this process's descriptors, as /proc shows it. Opened while there is a /proc; listed when it is needed.
#[derive(Debug)]
pub(crate) struct Table(Dir);

impl Table {
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self(Dir::open("/proc/self/fd", OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?))
    }

    /// The open descriptors above the standard three.
    pub(crate) fn list(&self) -> io::Result<Vec<RawFd>> {
        // A copy shares its place in the listing, so it is read from a directory of its own where there is one.
        let mut again = Dir::openat(&self.0, ".", OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let itself = again.as_raw_fd();
        let number = |entry: nix::Result<nix::dir::Entry>| entry.ok()?.file_name().to_str().ok()?.parse().ok();
        Ok(again.iter().filter_map(number).filter(|fd| *fd > 2 && *fd != itself).collect())
    }
}

impl AsRawFd for Table {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// The open descriptors above the standard three.
pub(crate) fn open() -> io::Result<Vec<RawFd>> {
    Table::open()?.list()
}

/// Whether it is open.
pub(crate) fn is_open(fd: RawFd) -> bool {
    flags(fd).is_some()
}

/// Whether exec(2) would close it, as it does with whatever Rust opens.
pub(crate) fn is_close_on_exec(fd: RawFd) -> bool {
    flags(fd).is_some_and(|flags| flags.contains(FdFlag::FD_CLOEXEC))
}

/// Sets or clears close-on-exec, which has no say in the locks of the file.
pub(crate) fn keep_over_exec(fd: impl AsFd, keep: Keep) -> io::Result<()> {
    let flags = match keep {
        Keep::Open => FdFlag::empty(),
        Keep::Close => FdFlag::FD_CLOEXEC,
    };
    fcntl(fd, FcntlArg::F_SETFD(flags))?;
    Ok(())
}

/// What exec(2) does with a descriptor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    Open,
    Close,
}

/// Takes over a descriptor that came through exec(2), where it is open and nobody has taken it over before.
pub(crate) fn adopt(fd: RawFd) -> Option<OwnedFd> {
    if fd < 3 || flags(fd).is_none_or(|flags| flags.contains(FdFlag::FD_CLOEXEC)) {
        // Whatever this program has opened itself is close-on-exec.
        return None;
    }
    // SAFETY: it is open, and it came through exec(2): so no Rust object of this program owns it. It is marked at once, so
    // that it is not adopted twice.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    keep_over_exec(&owned, Keep::Close).ok()?;
    Some(owned)
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
