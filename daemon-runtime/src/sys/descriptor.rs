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
use nix::sys::stat::{Mode, fstat};

const NO_PROC: &str = "/proc, which lists them, is not mounted; mount it, or set `close_fds = \"none\"`";

/// How many numbers that no descriptor has are tried, besides as many as there are descriptors, before the table is listed.
const GAPS: usize = 64;

/// The table of this process's descriptors, as /proc shows it. Opened while there is a /proc; looked into when it is needed.
#[derive(Debug)]
pub(crate) struct Table(OwnedFd);

/// Which of the descriptors above the standard three are closed, of those that are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Those that exec(2) would leave open, as the launching program has.
    Inherited,
    All,
}

impl Table {
    pub(crate) fn open() -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        match again(|| open_path("/proc/self/fd", flags, Mode::empty())) {
            Err(Errno::ENOENT) => Err(io::Error::other(NO_PROC)),
            table => Ok(Self(table?)),
        }
    }

    /// Closes them, run by run of numbers in a row.
    pub(crate) fn close(&self, which: Closed, keep: impl Fn(RawFd) -> bool) -> io::Result<()> {
        let mut run: Option<(RawFd, RawFd)> = None;
        self.visit(|fd, flags| {
            let stays = keep(fd) || (which == Closed::Inherited && flags.contains(FdFlag::FD_CLOEXEC));
            run = match run {
                Some((first, last)) if !stays && last + 1 == fd => Some((first, fd)),
                other => {
                    // Only what is known to be open: in between, another thread may be getting a number this very moment.
                    close_runs(other);
                    (!stays).then_some((fd, fd))
                }
            };
        })?;
        close_runs(run);
        Ok(())
    }

    /// Calls `visit` for every open descriptor above the standard three but the table itself, from the lowest number up.
    fn visit(&self, mut visit: impl FnMut(RawFd, FdFlag)) -> io::Result<()> {
        let counted = self.count();
        let mut left = counted;
        let most = left.saturating_mul(2).saturating_add(GAPS);
        let mut visit_one = |fd: RawFd| {
            let found = flags(fd);
            if let Some(flags) = found.filter(|_| fd > 2 && fd != self.0.as_raw_fd()) {
                visit(fd, flags);
            }
            found.is_some()
        };
        let mut next = 0;
        while left > 0 && usize::try_from(next).is_ok_and(|next| next < most) {
            left -= usize::from(visit_one(next));
            next += 1;
        }
        // Where a thread has opened one meanwhile, it may have been counted for the last of these.
        if left == 0 && next > 0 && self.count() <= counted {
            return Ok(());
        }
        // Few descriptors, far apart, or a kernel that does not count them: it makes an inode for each that it lists.
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        // A copy shares its place in the listing, so it is read from a directory of its own where there is one.
        let mut own = again(|| Dir::openat(&self.0, ".", flags, Mode::empty()))?;
        let listing = own.as_raw_fd();
        for entry in own.iter() {
            // Half a list would leave open what should be closed: an entry that cannot be read is an error.
            let number = entry?.file_name().to_str().ok().and_then(|name| name.parse().ok());
            if let Some(fd) = number.filter(|fd| *fd >= next && *fd != listing) {
                visit_one(fd);
            }
        }
        Ok(())
    }

    /// How many descriptors are open, by the size of the table; Linux 6.2 and later. 0 where it does not say.
    fn count(&self) -> usize {
        fstat(&self.0).ok().and_then(|table| usize::try_from(table.st_size).ok()).unwrap_or_default()
    }
}

/// Closes all descriptors, the standard three as well, but for those that are kept; for a process that from here on uses
/// nothing else, and in which nobody else does.
pub(crate) fn close_all_but<const N: usize>(mut keep: [RawFd; N]) {
    keep.sort_unstable();
    let mut next = 0;
    for kept in keep {
        if next < kept && !close_range(next, kept - 1) {
            return close_all_one_by_one(&keep);
        }
        next = next.max(kept.saturating_add(1));
    }
    close_range(next, RawFd::MAX);
}

// Where there is no /proc either, they are closed at the process's end.
fn close_all_one_by_one(keep: &[RawFd]) {
    let is_kept = |fd| keep.contains(&fd);
    (0..3).filter(|fd| !is_kept(*fd)).for_each(close);
    let _ = Table::open().and_then(|table| table.close(Closed::All, is_kept));
}

fn close_runs(run: Option<(RawFd, RawFd)>) {
    let Some((first, last)) = run else { return };
    if first == last || !close_range(first, last) {
        (first..=last).for_each(close);
    }
}

/// Closes all that are open of these numbers; false where the kernel has no call for it (before 5.9), or a sandbox forbids it.
fn close_range(first: RawFd, last: RawFd) -> bool {
    // SAFETY: callers pass numbers that no Rust object uses any more: see `close`, and what is said at `close_all_but`.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) == 0 }
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
    #[cfg_attr(miri, ignore = "reads /proc")]
    fn a_table_that_has_to_be_listed_does_not_show_the_descriptor_that_lists_it() {
        // A folder with the same names in it, whose size the kernel does not tell.
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let table = Table(open_path("/proc/self/fdinfo", flags, Mode::empty()).expect("open"));
        assert_eq!(table.count(), 0);
        let other = std::fs::File::open("/dev/null").expect("open");
        let (mut listings, mut is_other_seen) = (0, false);
        let visited = table.visit(|fd, _| {
            let is_listing = std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|to| to.ends_with("fdinfo"));
            listings += u32::from(is_listing);
            is_other_seen |= fd == other.as_raw_fd();
        });
        visited.expect("visited");
        assert_eq!((listings, is_other_seen), (0, true));
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
