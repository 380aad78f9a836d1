//! Record locks of both kinds on byte ranges: fcntl(2), "Open file description locks" and "Advisory record locking".
//!
//! An open-file-description (OFD) lock belongs to what open(2) made, goes along over fork, and ends with the last
//! descriptor of it. A POSIX lock belongs to one process, and `F_GETLK` names that process: that is what makes it a proof.

use std::io;
use std::os::fd::AsFd;

use super::again::again;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// A range of bytes in a file; they need not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: i64,
    /// 0 means up to the end, however far the file grows.
    pub(crate) len: i64,
}

/// Takes an OFD write lock; false when another holds one there.
pub(crate) fn try_lock_description(fd: impl AsFd, range: Range) -> io::Result<bool> {
    granted(again(|| fcntl(&fd, FcntlArg::F_OFD_SETLK(&request(libc::F_WRLCK, range)))))
}

/// Gives an OFD lock back, for everybody who shares the description.
pub(crate) fn unlock_description(fd: impl AsFd, range: Range) -> io::Result<()> {
    again(|| fcntl(&fd, FcntlArg::F_OFD_SETLK(&request(libc::F_UNLCK, range))))?;
    Ok(())
}

/// Whether somebody holds a write lock there, asked without taking anything.
pub(crate) fn is_locked(fd: impl AsFd, range: Range) -> io::Result<bool> {
    let mut question = request(libc::F_RDLCK, range);
    again(|| fcntl(&fd, FcntlArg::F_OFD_GETLK(&mut question)))?;
    Ok(i32::from(question.l_type) != libc::F_UNLCK)
}

/// Takes a POSIX write lock for this process; false when another holds one there.
pub(crate) fn try_lock_process(fd: impl AsFd, range: Range) -> io::Result<bool> {
    granted(again(|| fcntl(&fd, FcntlArg::F_SETLK(&request(libc::F_WRLCK, range)))))
}

/// The process that holds a write lock there, by the kernel's word. A reader cannot hold one, so asking for a *read* lock
/// sees only those who could open the file for writing.
pub(crate) fn holder(fd: impl AsFd, range: Range) -> io::Result<Option<i32>> {
    named(fd, request(libc::F_RDLCK, range))
}

/// The process that keeps us from a write lock there by a lock of its own kind, POSIX, as a reader can hold one too; nothing
/// where there is none such.
pub(crate) fn opponent(fd: impl AsFd, range: Range) -> io::Result<Option<i32>> {
    named(fd, request(libc::F_WRLCK, range))
}

/// Whom the kernel names who keeps us from that lock.
fn named(fd: impl AsFd, mut question: libc::flock) -> io::Result<Option<i32>> {
    again(|| fcntl(&fd, FcntlArg::F_GETLK(&mut question)))?;
    let held = i32::from(question.l_type) != libc::F_UNLCK;
    // 0 is a process in another pid namespace, -1 the owner of an OFD lock: neither names anybody.
    Ok(Some(question.l_pid).filter(|pid| held && *pid > 0))
}

fn request(kind: libc::c_int, range: Range) -> libc::flock {
    libc::flock {
        l_type: i16::try_from(kind).unwrap_or_default(),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: range.start,
        l_len: range.len,
        // For OFD locks this must be 0.
        l_pid: 0,
    }
}

fn granted(answer: Result<i32, Errno>) -> io::Result<bool> {
    match answer {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    const BYTE: Range = Range { start: 0, len: 1 };
    const NEXT: Range = Range { start: 1, len: 1 };

    #[test]
    fn a_lock_is_seen_from_another_description_and_only_on_its_range() {
        let path = std::env::temp_dir().join(format!("lock-test-{}", std::process::id()));
        let open =
            || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).expect("a file");
        let (mine, other) = (open(), open());
        assert!(try_lock_description(&mine, BYTE).expect("locked"));
        assert!(!try_lock_description(&other, BYTE).expect("asked"));
        assert!(is_locked(&other, BYTE).expect("asked") && !is_locked(&other, NEXT).expect("asked"));
        drop(mine);
        assert!(!is_locked(&other, BYTE).expect("asked"));
        std::fs::remove_file(&path).expect("removed");
    }
}
