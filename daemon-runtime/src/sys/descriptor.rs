//! Descriptors that no Rust object owns: what the launching program leaked.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use super::again::again;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open as open_path};
use nix::libc;
use nix::sys::stat::Mode;

const NO_PROC: &str = "/proc, which lists them, is not mounted; mount it, or set `close_fds = \"none\"`";

/// The table of this process's descriptors, as /proc shows it. Opened while there is a /proc; listed when it is needed.
#[derive(Debug)]
pub(crate) struct Table(Dir);

impl Table {
    pub(crate) fn open() -> io::Result<Self> {
        match again(|| Dir::open("/proc/self/fd", OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())) {
            Err(Errno::ENOENT) => Err(io::Error::other(NO_PROC)),
            table => Ok(Self(table?)),
        }
    }

    /// The open descriptors above the standard three.
    pub(crate) fn list(&self) -> io::Result<Vec<RawFd>> {
        // A copy shares its place in the listing, so it is read from a directory of its own where there is one.
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut own = again(|| Dir::openat(&self.0, ".", flags, Mode::empty()))?;
        let itself = own.as_raw_fd();
        // Half a list would leave open what should be closed: an entry that cannot be read is an error.
        let names = own.iter().map(|entry| Ok(entry?.file_name().to_owned())).collect::<nix::Result<Vec<_>>>()?;
        let numbers = names.iter().filter_map(|name| name.to_str().ok()?.parse().ok());
        Ok(numbers.filter(|fd| *fd > 2 && *fd != itself).collect())
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

/// Puts what stands at a path in the place of what a descriptor means; its owner keeps it.
pub(crate) fn replace(fd: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let other = again(|| open_path(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()))?;
    // SAFETY: both numbers are open; dup3 changes what the second one means, and not who owns it.
    again(|| Errno::result(unsafe { libc::dup3(other.as_raw_fd(), fd.as_raw_fd(), libc::O_CLOEXEC) }))?;
    Ok(())
}

/// Takes over a descriptor that came through exec(2), where it is open and nobody has taken it over before. What Rust opens is
/// close-on-exec, so that it is never mistaken for one.
pub(crate) fn adopt(fd: RawFd) -> Option<OwnedFd> {
    if fd < 3 || flags(fd).is_none_or(|flags| flags.contains(FdFlag::FD_CLOEXEC)) {
        return None;
    }
    // SAFETY: it is open, and the caller has made sure that it is what another image of this program has handed on: so no Rust
    // object of this image owns it. It is marked at once, so that it is not adopted twice.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    keep_over_exec(&owned, Keep::Close).ok()?;
    Some(owned)
}

/// Device and inode of what a number means.
pub(crate) fn identity(fd: RawFd) -> io::Result<(u64, u64)> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat(2) takes any number, and says EBADF where it is not open; the memory is of the right type.
    if unsafe { libc::fstat(fd, stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it has succeeded, so all of it is written.
    let stat = unsafe { stat.assume_init() };
    Ok((stat.st_dev, stat.st_ino))
}

// By the bare call: a `BorrowedFd` would promise that the number is open, which is what is asked here.
fn flags(fd: RawFd) -> Option<FdFlag> {
    // SAFETY: F_GETFD takes any number, touches no memory, and says EBADF where it is not open.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    (flags >= 0).then(|| FdFlag::from_bits_truncate(flags))
}

/// Closes a descriptor by its number.
pub(crate) fn close(fd: RawFd) {
    // SAFETY: callers pass numbers that no Rust object of the daemon owns: they were inherited from the launching program,
    // or the user asked for everything to be closed. close(2) itself cannot do harm with a number that is not open.
    unsafe { libc::close(fd) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_no_descriptor_has_is_not_open_and_not_adopted() {
        for fd in [-1, i32::MIN, i32::MAX] {
            assert!(!is_open(fd) && !is_close_on_exec(fd) && identity(fd).is_err() && adopt(fd).is_none(), "{fd}");
        }
    }

    #[test]
    fn what_this_program_opened_is_not_adopted_and_what_came_along_is_once() {
        let file = std::fs::File::open("/dev/null").expect("open");
        assert!(adopt(file.as_raw_fd()).is_none());
        // As if it had come over exec(2); high, so that no other test gets the number meanwhile.
        let high = fcntl(io::stderr(), FcntlArg::F_DUPFD(900)).expect("a copy");
        let (mine, again) = (adopt(high), adopt(high));
        assert!(mine.is_some_and(|fd| is_close_on_exec(fd.as_raw_fd())) && again.is_none());
        assert!(!is_open(high));
    }
}
