//! One log followed: over its being moved away and made anew, and over its being emptied.

use std::path::{Path, PathBuf};

use nix::sys::inotify::WatchDescriptor;

use super::watch::Watch;
use crate::action::logs::file::{self, BLOCK, Log};
use crate::action::logs::showing::{Remark, Showing};
#[cfg(feature = "since")]
use crate::action::logs::since;
use crate::error::Error;
use crate::folder::Identity;

/// How many files of one name are read on: the newest, and the one before it, to which the daemon writes until it has opened its
/// log again, and its children to their end.
const KEPT: usize = 2;

/// How much of what was read last is compared before more is read.
const KNOWN: u64 = 256;

#[derive(Debug)]
pub(in crate::action::logs) struct Trail {
    path: PathBuf,
    /// The files that the path has meant, the newest last.
    files: Vec<Followed>,
    /// Why the path cannot be opened, as it was told.
    told: Option<String>,
}

impl Trail {
    /// Of a log of which the first `at` bytes are known.
    pub(in crate::action::logs) fn from(log: Log, at: u64) -> Result<Self, Error> {
        let path = log.path.clone();
        Ok(Self { path, files: vec![Followed::from(log, at)?], told: None })
    }

    /// Shows what is known, from this place on.
    pub(in crate::action::logs) fn show_from(&self, start: u64, showing: &mut Showing<'_>) -> Result<(), Error> {
        self.files.iter().try_for_each(|followed| {
            let log = &followed.log;
            log.copy(start, followed.at, |bytes| showing.lines(log.path.as_os_str(), bytes))
        })
    }

    /// Of a log that is not there yet.
    pub(in crate::action::logs) fn awaited(path: &Path) -> Self {
        Self { path: path.to_owned(), files: Vec::new(), told: None }
    }

    /// Looks whether the path means another file than before.
    pub(super) fn look(&mut self, watch: &mut Watch, showing: &mut Showing<'_>) -> Result<(), Error> {
        for followed in self.files.iter_mut().filter(|followed| followed.watched.is_none()) {
            followed.watched = watch.file(&followed.log.file);
        }
        watch.way(&self.path);
        match Log::open(&self.path).and_then(|log| showing.check(&log).map(|()| log)) {
            Ok(log) => {
                self.told = None;
                self.turn_to(log, watch, showing)
            }
            Err(error) => {
                self.tell(&error, showing);
                Ok(())
            }
        }
    }

    /// That it is not there is how every rotation goes. Anything else is told, once.
    fn tell(&mut self, error: &Error, showing: &mut Showing<'_>) {
        let text = (!file::is_missing(error)).then(|| error.to_string());
        if text.is_some() && text != self.told {
            showing.remark(&Remark::Failed(error));
        }
        self.told = text;
    }

    fn turn_to(&mut self, log: Log, watch: &mut Watch, showing: &mut Showing<'_>) -> Result<(), Error> {
        let mut newest = Followed::from(log, 0)?;
        if let Some(known) = self.files.iter().position(|followed| followed.identity == newest.identity) {
            // Moved back, or there all the time.
            let known = self.files.remove(known);
            self.files.push(known);
            return Ok(());
        }
        if self.files.len() == KEPT {
            self.read(showing)?;
            let oldest = self.files.remove(0);
            watch.forget(oldest.watched);
        }
        newest.watched = watch.file(&newest.log.file);
        self.files.push(newest);
        Ok(())
    }

    /// Shows what there is more than before.
    pub(super) fn read(&mut self, showing: &mut Showing<'_>) -> Result<(), Error> {
        // The newest is asked first: what it holds by then was written after all that the older one is then found to hold.
        let ends: Result<Vec<_>, _> = self.files.iter().rev().map(|followed| followed.log.len()).collect();
        for (followed, end) in self.files.iter_mut().zip(ends?.into_iter().rev()) {
            followed.read(end, showing)?;
        }
        Ok(())
    }
}

/// A file, and how far it was read.
#[derive(Debug)]
struct Followed {
    log: Log,
    identity: Identity,
    at: u64,
    /// The last bytes before that place.
    known: Vec<u8>,
    watched: Option<WatchDescriptor>,
}

impl Followed {
    fn from(log: Log, at: u64) -> Result<Self, Error> {
        let identity = log.identity()?;
        let known = known(&log, at)?;
        Ok(Self { log, identity, at, known, watched: None })
    }

    /// Shows what stands there up to `end`. A file that was emptied is read from its beginning, also where it has grown beyond the
    /// old place since: then other bytes stand before it.
    fn read(&mut self, end: u64, showing: &mut Showing<'_>) -> Result<(), Error> {
        if end < self.at {
            self.begin_again();
        }
        #[cfg(feature = "since")]
        self.skip_older(end, showing)?;
        let mut buffer = Vec::new();
        while self.at < end {
            let known = self.known.len();
            let more = usize::try_from(end - self.at).map_or(BLOCK, |more| more.min(BLOCK));
            buffer.resize(known + more, 0);
            let count = self.log.read_at(&mut buffer, self.at - known as u64)?;
            let (before, new) = buffer.get(..count).unwrap_or_default().split_at(known.min(count));
            if is_another(before, &self.known) {
                self.begin_again();
            } else if new.is_empty() {
                // It became shorter just now, which is seen the next time.
                break;
            } else {
                showing.lines(self.log.path.as_os_str(), new)?;
                self.at += new.len() as u64;
                self.known = last(buffer.get(..count).unwrap_or_default()).to_vec();
            }
        }
        Ok(())
    }

    /// Leaves out what is older than a time that was still to come when the following began.
    #[cfg(feature = "since")]
    fn skip_older(&mut self, end: u64, showing: &Showing<'_>) -> Result<(), Error> {
        if let Some(since) = showing.still_to_come.filter(|_| self.at < end) {
            self.at = since::still_to_come(&self.log, self.at, end, since)?;
            self.known = known(&self.log, self.at)?;
        }
        Ok(())
    }

    fn begin_again(&mut self) {
        self.at = 0;
        self.known.clear();
    }
}

/// What stands before this place.
fn known(log: &Log, at: u64) -> Result<Vec<u8>, Error> {
    let length = at.min(KNOWN);
    let mut known = vec![0; usize::try_from(length).unwrap_or(0)];
    let read = log.read_at(&mut known, at - length)?;
    known.truncate(read);
    Ok(known)
}

/// Whether other bytes stand now where these were. Who does not append leaves a hole, which reads as zeroes, and goes on where he
/// was.
fn is_another(now: &[u8], known: &[u8]) -> bool {
    now != known && !now.iter().all(|byte| *byte == 0)
}

fn last(bytes: &[u8]) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(usize::try_from(KNOWN).unwrap_or(0))..).unwrap_or_default()
}
