//! The pidfile as a value of the user's own: for a program that wants the claim first, and decides afterwards what to become.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Acquired, Claimed, Life, PAUSE, Patience, Place, look, mine, text};
use crate::error::Error;
use crate::handover::Handover;

/// A pidfile: the right to be the one daemon of its path.
///
/// It is *acquired* first, which says nothing yet to anybody who reads it; then the program stays in the foreground and
/// *seals* it, which writes its number, or hands it to a [`Daemon`](crate::Daemon::claim), which seals it as the daemon.
/// Dropped, an acquired one is released; who ends by `process::exit` releases it first.
///
/// ```no_run
/// use daemon_runtime::{Daemon, PidFile};
/// use std::time::Duration;
///
/// let mut pidfile = PidFile::new("/run/example.pid");
/// pidfile.acquire(Duration::ZERO)?; // an error here: another one is running
/// if std::env::args().any(|word| word == "--foreground") {
///     pidfile.seal()?;
///     work();
/// } else {
///     let _daemon = Daemon::here().claim(pidfile).detach()?;
///     work();
/// }
/// # fn work() {}
/// # Ok::<(), daemon_runtime::Error>(())
/// ```
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    claimed: Claimed,
    /// Whose it is: a child that was forked inherits the value, and must not release it.
    by: u32,
    sealed: bool,
}

impl PidFile {
    /// The pidfile at this path. Nothing is touched yet. A relative path means the directory the program is in now.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { path, held: None }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the claim, waiting up to `timeout` for another to let go of it. Nothing happens if it is held already by this
    /// value.
    ///
    /// # Errors
    /// [`Error::AlreadyRunning`]: a daemon has it. [`Error::ClaimHeld`]: somebody else has. Else what kept it from being
    /// taken.
    pub fn acquire(&mut self, timeout: Duration) -> Result<(), Error> {
        if self.held.is_some() || self.is_handed() {
            return Ok(());
        }
        let patience = Patience { in_between: timeout, running: timeout };
        let mut pause = || {
            thread::sleep(PAUSE);
            Ok(())
        };
        match Claimed::acquire(&self.path, patience, None, &mut pause)? {
            Acquired::Mine(claimed) => self.held = Some(Held { claimed, by: std::process::id(), sealed: false }),
            Acquired::Running(daemon) => return Err(Error::AlreadyRunning { pid: daemon.pid }),
        }
        Ok(())
    }

    /// Writes the number of this process, which from now on is the one that `status` and `stop` find. Acquires it first, if
    /// that was not done.
    ///
    /// # Errors
    /// Those of [`acquire`](Self::acquire), or the pidfile could not be written.
    pub fn seal(&mut self) -> Result<(), Error> {
        self.acquire(Duration::ZERO)?;
        let Some(held) = &mut self.held else { return Ok(()) };
        held.claimed.seal(None).map_err(|source| Error::PidFile { path: self.path.clone(), source })?;
        held.claimed.started();
        (held.by, held.sealed) = (std::process::id(), true);
        Ok(())
    }

    /// Removes it, and lets go of the claim. Nothing happens if it is not held by this value and this process.
    pub fn release(&mut self) {
        let held = self.held.take().filter(|held| held.by == std::process::id());
        if let Some(held) = held.filter(|held| !held.claimed.is_anothers()) {
            held.claimed.release();
        }
    }

    /// The number in it, whoever wrote it and whether or not that process runs; nothing if there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self) -> Result<Option<i32>, Error> {
        let Some(place) = Place::find(&self.path)? else { return Ok(None) };
        if let Some(number) = self.held.as_ref().and_then(|held| text::number(&held.claimed.file).unwrap_or_default()) {
            // Not through its name: closing the file again would drop the witness.
            return Ok(Some(number));
        }
        match place.open_pidfile().and_then(|file| text::number(&file)) {
            Ok(number) => Ok(number),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::PidFile { path: self.path.clone(), source }),
        }
    }

    /// Whether it is claimed by a daemon, or by one that is about to be.
    ///
    /// # Errors
    /// It cannot be looked at, or [`Error::CannotTell`].
    pub fn is_active(&self) -> Result<bool, Error> {
        match self.life()? {
            Life::Running(_) | Life::Starting | Life::Held => Ok(true),
            Life::Absent | Life::Dead { .. } => Ok(false),
            Life::Unknown { reason } => Err(Error::CannotTell { path: self.path.clone(), reason }),
        }
    }

    /// Whether a daemon that did not end in order has left it behind.
    ///
    /// # Errors
    /// As [`is_active`](Self::is_active).
    pub fn is_stale(&self) -> Result<bool, Error> {
        match self.life()? {
            Life::Dead { .. } => Ok(true),
            Life::Unknown { reason } => Err(Error::CannotTell { path: self.path.clone(), reason }),
            _ => Ok(false),
        }
    }

    /// Whether this process holds it: by this value, or as the daemon of this path.
    pub fn is_mine(&self) -> bool {
        let by_value = self.held.as_ref().is_some_and(|held| held.by == std::process::id());
        by_value || Place::find(&self.path).ok().flatten().is_some_and(|place| mine::is_mine(&place))
    }

    /// Whether this image of the program was begun with the claim: it is taken already, and the daemon that is to have it
    /// will find it.
    fn is_handed(&self) -> bool {
        Handover::is_of(&self.path)
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.sealed)
    }

    pub(crate) fn into_claimed(mut self) -> Option<Claimed> {
        self.held.take().map(|held| held.claimed)
    }

    // A claim that this very process holds without having sealed it looks like a start in progress, which it is.
    fn life(&self) -> Result<Life, Error> {
        look(&self.path, None)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(test: &str) -> PathBuf {
        std::env::temp_dir().join(format!("handle-{test}-{}.pid", std::process::id()))
    }

    #[test]
    fn an_acquired_pidfile_says_nothing_until_it_is_sealed() {
        let mut pidfile = PidFile::new(path("sealed"));
        assert!(!pidfile.is_active().expect("asked") && !pidfile.is_mine());
        pidfile.acquire(Duration::ZERO).expect("acquired");
        assert_eq!(pidfile.read().expect("read"), None);
        assert!(pidfile.is_mine());
        pidfile.seal().expect("sealed");
        assert_eq!(pidfile.read().expect("read"), i32::try_from(std::process::id()).ok());
        assert!(pidfile.is_active().expect("asked") && !pidfile.is_stale().expect("asked"));
        pidfile.release();
        assert!(!pidfile.path().exists() && !pidfile.is_mine());
    }

    #[test]
    fn a_second_claim_is_refused_and_a_dropped_one_is_free() {
        let mut first = PidFile::new(path("second"));
        first.acquire(Duration::ZERO).expect("acquired");
        let mut second = PidFile::new(path("second"));
        assert!(matches!(second.acquire(Duration::ZERO), Err(Error::ClaimHeld { .. })));
        drop(first);
        second.acquire(Duration::ZERO).expect("acquired");
    }

    #[test]
    fn what_a_crash_left_is_stale() {
        let pidfile = PidFile::new(path("stale"));
        std::fs::write(pidfile.path(), "4194304\n").expect("written");
        assert!(pidfile.is_stale().expect("asked") && !pidfile.is_active().expect("asked"));
        assert_eq!(pidfile.read().expect("read"), Some(4_194_304));
        std::fs::remove_file(pidfile.path()).expect("removed");
    }
}
