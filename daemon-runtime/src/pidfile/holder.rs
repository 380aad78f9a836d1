//! What /proc tells of the processes that hold the locks: proc(5), `/proc/PID/fdinfo`.
//!
//! A descriptor's locks stand there only in the process whose own they are, or whose open file. That is more than `F_GETLK`
//! says, which knows a number: the lock of a process can outlive it, where another shares its table of descriptors (clone(2),
//! `CLONE_FILES`), and the number is then anybody's.

use std::fs::{self, File};
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{Pid, getsid};

use super::place::Place;
use super::strange;
use super::{mine, text};
use crate::folder::{Identity, identity};
use crate::sys::again::again;
use crate::sys::lock::Range;
use crate::sys::proc_file;

/// A kind of lock, as it is called there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of an open file.
    Description,
    /// Of a process.
    Process,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Description => "OFDLCK",
            Self::Process => "POSIX",
        }
    }
}

/// By which descriptor the process has this very file open and holds a write lock of this kind in this range, if it does.
/// `known`: by which it did when it was asked before; that one is looked at first.
pub(super) fn descriptor(
    pid: i32,
    file: &File,
    kind: Kind,
    range: Range,
    known: Option<i32>,
) -> io::Result<Option<i32>> {
    let has_lock = |told: &str| told.lines().any(|line| is_lock(line, kind, range));
    let table = Table::of(pid, file)?;
    match known {
        Some(fd) if table.has(fd, has_lock)? => Ok(known),
        _ => table.find(has_lock),
    }
}

/// Whether the process has this very file open, and by it holds a write lock of this kind in this range.
pub(super) fn holds(pid: i32, file: &File, kind: Kind, range: Range) -> io::Result<bool> {
    Ok(descriptor(pid, file, kind, range, None)?.is_some())
}

/// The real user of the process, whom it can be signalled by; nothing if there is no such process.
pub(crate) fn user_of(pid: i32) -> Option<u32> {
    let status = proc_file::record(&format!("/proc/{pid}/status")).ok()?;
    String::from_utf8_lossy(&status)
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// The processes, but for this one, that hold a claim, whether or not one of them vouches for it.
#[derive(Debug)]
pub(crate) struct Holders {
    claim: File,
    /// Whom the daemon becomes, if it is known.
    user: Option<u32>,
    session: Option<i32>,
}

impl Holders {
    /// Those of the claim of this pidfile; nothing where it cannot be asked.
    pub(crate) fn of(path: &Path, user: Option<u32>) -> Option<Self> {
        let place = Place::find(path).ok()?.filter(|place| !mine::is_mine(place))?;
        let claim = place.open_claim().ok()?;
        let note = text::note(&claim).unwrap_or_default().filter(|note| note.name == place.name());
        let session = note.and_then(|note| note.session);
        Some(Self { claim, user, session })
    }

    /// All into which we may look.
    pub(crate) fn list(&self) -> Vec<i32> {
        processes().filter(|pid| self.has(*pid)).collect()
    }

    /// Those that are the daemon's for sure: of the user whom it becomes, else of its own session. An open file can be passed
    /// on to anybody, who is not to be harmed for that. Each is looked at when it is asked for.
    pub(crate) fn members(&self) -> impl Iterator<Item = i32> {
        processes().filter(|pid| self.is_member(*pid))
    }

    fn has(&self, pid: i32) -> bool {
        let all = Range { start: 0, len: 0 };
        let locks = |line: &str| is_lock(line, Kind::Description, all) || is_lock(line, Kind::Process, all);
        let found = Table::of(pid, &self.claim).and_then(|table| table.find(|told| told.lines().any(locks)));
        found.unwrap_or_default().is_some()
    }

    /// Asked again after a handle on the process was opened, this makes sure that it means no other.
    pub(crate) fn is_member(&self, pid: i32) -> bool {
        let is_its = match (self.user, self.session) {
            (Some(user), _) => user_of(pid) == Some(user),
            (None, Some(session)) => getsid(Some(Pid::from_raw(pid))).is_ok_and(|sid| sid.as_raw() == session),
            (None, None) => false,
        };
        is_its && strange::of_open(&self.claim).is_none() && self.has(pid)
    }

    /// Why nothing can be told of a claim that is held by nobody who vouches for it.
    pub(crate) fn told(path: &Path) -> String {
        let holders = Self::of(path, None).map(|holders| holders.list()).unwrap_or_default();
        match holders.as_slice() {
            [] => "its claim is held by a process that does not vouch for it".to_owned(),
            [pid] => format!("its claim is held by pid {pid}, which does not vouch for it"),
            [pid, more @ ..] => {
                format!("its claim is held by pid {pid} and {} more, none of which vouches for it", more.len())
            }
        }
    }
}

/// All processes but this one, as they are now.
fn processes() -> impl Iterator<Item = i32> {
    let entries = list(Path::new("/proc")).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| pid.unsigned_abs() != std::process::id())
}

// opendir(3) does not go on by itself after a signal.
fn list(folder: &Path) -> io::Result<fs::ReadDir> {
    again(|| fs::read_dir(folder))
}

/// The numbers by which a daemon most often has its claim and its pidfile, which the launcher opens among the first: looked at
/// before all are listed, and nothing more than that.
const LIKELY: RangeInclusive<i32> = 5..=8;

/// The descriptors of a process, of which one may be of a certain file.
struct Table {
    folder: String,
    file: Identity,
}

impl Table {
    fn of(pid: i32, file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { folder: format!("/proc/{pid}"), file: identity(&metadata) })
    }

    /// One of the file that has such locks.
    fn find(&self, has_lock: impl Fn(&str) -> bool) -> io::Result<Option<i32>> {
        for fd in LIKELY {
            if self.has(fd, &has_lock)? {
                return Ok(Some(fd));
            }
        }
        for entry in list(&Path::new(&self.folder).join("fdinfo"))?.flatten() {
            let fd = entry.file_name().to_str().and_then(|fd| fd.parse().ok());
            let Some(fd) = fd.filter(|fd| !LIKELY.contains(fd)) else { continue };
            if self.has(fd, &has_lock)? {
                return Ok(Some(fd));
            }
        }
        Ok(None)
    }

    fn has(&self, fd: i32, has_lock: impl Fn(&str) -> bool) -> io::Result<bool> {
        let told = match proc_file::record(&format!("{}/fdinfo/{fd}", self.folder)) {
            Err(e) if is_over(&e) => return Ok(false),
            told => told?,
        };
        // Only then the file is looked at: one without a lock may be on a file system that never answers.
        if !has_lock(&String::from_utf8_lossy(&told)) {
            return Ok(false);
        }
        match fs::metadata(format!("{}/fd/{fd}", self.folder)) {
            Ok(theirs) => Ok(identity(&theirs) == self.file),
            Err(e) if is_over(&e) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

/// Whether it was closed, or its process has ended, since it was listed.
fn is_over(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ESRCH as i32)
}

/// Whether the line tells of such a lock, as in `lock: 1: POSIX ADVISORY WRITE 4242 08:01:131 2 2`.
fn is_lock(line: &str, kind: Kind, range: Range) -> bool {
    let Some(told) = line.strip_prefix("lock:") else { return false };
    let words: Vec<&str> = told.split_whitespace().collect();
    let [_, word, _, "WRITE", _, _, start, end] = words.as_slice() else { return false };
    let start = start.parse().unwrap_or(i64::MAX);
    // "EOF" is up to the end, however far the file grows.
    let end = end.parse().unwrap_or(i64::MAX);
    let last = if range.len == 0 { i64::MAX } else { range.start + range.len - 1 };
    *word == kind.word() && start <= last && end >= range.start
}

#[cfg(test)]
mod tests {
    use super::*;

    const THIRD: Range = Range { start: 2, len: 1 };

    #[test]
    fn a_lock_counts_by_its_kind_and_where_it_is() {
        let is = |text: &str, kind| is_lock(text, kind, THIRD);
        assert!(is("lock:\t1: POSIX  ADVISORY  WRITE 4242 08:01:131 2 2", Kind::Process));
        assert!(is("lock:\t1: POSIX  ADVISORY  WRITE 4242 08:01:131 0 EOF", Kind::Process));
        assert!(is("lock:\t2: OFDLCK ADVISORY  WRITE -1 08:01:131 1 2", Kind::Description));
        for other in ["READ 4242 08:01:131 2 2", "WRITE 4242 08:01:131 0 1", "WRITE 4242 08:01:131 3 EOF"] {
            assert!(!is(&format!("lock:\t1: POSIX  ADVISORY  {other}"), Kind::Process), "{other}");
        }
        assert!(!is("lock:\t1: POSIX  ADVISORY  WRITE 4242 08:01:131 2 2", Kind::Description));
        assert!(!is("flags:\t0100002", Kind::Process));
    }
}
