//! The folder of a pidfile and the three names in it, reached through one folder descriptor.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::strange::{kind, names, owner, strangeness, too_long};
use crate::error::Error;
use crate::folder::{self, Owner};
use crate::sys::again::again;

/// Never through a link, never waiting for a FIFO's other end, never handed to a child, never our terminal.
const CAREFUL: OFlag = OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC).union(OFlag::O_NOCTTY);

#[derive(Debug)]
pub(crate) struct Place {
    folder: OwnedFd,
    path: PathBuf,
    pidfile: OsString,
    claim: OsString,
    draft: OsString,
    record: OsString,
}

impl Place {
    /// The place, its folder made with mode 0755, less the umask, if it is not there.
    pub(super) fn make(path: &Path, owner: Owner) -> Result<Self, Error> {
        match folder::make(folder_of(path), owner) {
            Ok(folder) => Ok(Self::of(path, folder)),
            Err(source) => Err(Error::Folder { path: folder_of(path).to_owned(), source }),
        }
    }

    /// The place, or nothing where there is no such folder and so no daemon either.
    pub(crate) fn find(path: &Path) -> Result<Option<Self>, Error> {
        match folder::find(folder_of(path)) {
            Ok(folder) => Ok(Some(Self::of(path, folder))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Folder { path: folder_of(path).to_owned(), source }),
        }
    }

    /// The place in a folder that is open already.
    pub(super) fn of(path: &Path, folder: OwnedFd) -> Self {
        let pidfile = path.file_name().unwrap_or_default();
        Self {
            folder,
            claim: with(pidfile, ".claim"),
            draft: with(pidfile, ".new"),
            record: with(pidfile, ".record"),
            pidfile: pidfile.to_owned(),
            path: path.to_owned(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn claim_path(&self) -> PathBuf {
        self.path.with_file_name(&self.claim)
    }

    /// Why the new pidfile could not be made: what is in its place, or else the system's error.
    pub(super) fn draft_refusal(&self, source: io::Error) -> Error {
        let path = self.path.with_file_name(&self.draft);
        match self.stat(&self.draft).ok().and_then(|stat| strangeness(&stat)) {
            Some(found) => Error::Foreign { path, found },
            None => Error::PidFile { path, source },
        }
    }

    /// Why the record could not be made, likewise.
    pub(super) fn record_refusal(&self, source: io::Error) -> Error {
        let path = self.record_path();
        match self.stat(&self.record).ok().and_then(|stat| strangeness(&stat)) {
            Some(found) => Error::Foreign { path, found },
            None => Error::Record { path, source },
        }
    }

    pub(super) fn record_path(&self) -> PathBuf {
        self.path.with_file_name(&self.record)
    }

    pub(super) fn folder_fd(&self) -> i32 {
        self.folder.as_raw_fd()
    }

    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    /// A new file for the claim, where there is none.
    pub(super) fn make_claim(&self) -> io::Result<File> {
        self.open_name(&self.claim, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL)
    }

    /// The claim's file as it is, for a question.
    pub(super) fn open_claim(&self) -> io::Result<File> {
        self.open_name(&self.claim, OFlag::O_RDONLY)
    }

    /// The claim's file as it is, for a lock that is not the claim.
    pub(super) fn open_claim_to_lock(&self) -> io::Result<File> {
        self.open_name(&self.claim, OFlag::O_RDWR)
    }

    /// The pidfile as it is, for a question.
    pub(super) fn open_pidfile(&self) -> io::Result<File> {
        self.open_name(&self.pidfile, OFlag::O_RDONLY)
    }

    /// A new pidfile under its other name. What a killed start left there is removed first: the claim is ours.
    pub(super) fn create_draft(&self) -> io::Result<File> {
        self.remove_draft();
        self.open_name(&self.draft, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL)
    }

    /// A new record. What a daemon that did not end in order left there is removed: the claim is ours.
    pub(super) fn create_record(&self) -> io::Result<File> {
        let new = || self.open_name(&self.record, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL);
        match new() {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && self.is_record_ours() => {
                self.remove(&self.record)?;
                new()
            }
            made => made,
        }
    }

    /// Whether there is a record that may be removed; also one that the daemon has made as the user whose folder it is.
    fn is_record_ours(&self) -> bool {
        self.stat(&self.record).is_ok() && self.record_doubt().is_none()
    }

    /// The record as it is.
    pub(super) fn open_record(&self) -> io::Result<File> {
        self.open_name(&self.record, OFlag::O_RDONLY)
    }

    fn open_name(&self, name: &OsStr, flags: OFlag) -> io::Result<File> {
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(File::from(again(|| openat(&self.folder, name, flags | CAREFUL, mode))?))
    }

    /// Gives the draft the pidfile's name, in one step.
    pub(super) fn publish_draft(&self) -> io::Result<()> {
        Ok(renameat(&self.folder, self.draft.as_os_str(), &self.folder, self.pidfile.as_os_str())?)
    }

    /// Whether this open file is the one that the claim's name means.
    pub(super) fn is_claim(&self, claim: &File) -> bool {
        self.means(&self.claim, claim)
    }

    /// Whether this open file is the one that the pidfile's name means.
    pub(super) fn is_pidfile(&self, file: &File) -> bool {
        self.means(&self.pidfile, file)
    }

    /// Whether this open file is the one that the record's name means.
    pub(super) fn is_record(&self, file: &File) -> bool {
        self.means(&self.record, file)
    }

    fn means(&self, name: &OsStr, file: &File) -> bool {
        let (named, open) = (self.stat(name), file.metadata());
        matches!((named, open), (Ok(n), Ok(o)) if n.st_dev == o.dev() && n.st_ino == o.ino())
    }

    /// What stands in the pidfile's place may be replaced and removed: nothing, or a pidfile of ours.
    pub(super) fn check_pidfile(&self) -> Result<(), Error> {
        let stat = match self.stat(&self.pidfile) {
            Ok(stat) => stat,
            Err(Errno::ENOENT) => return Ok(()),
            Err(e) => return Err(Error::PidFile { path: self.path.clone(), source: e.into() }),
        };
        // Beside a claim it is a pidfile, whatever its daemon has written into it.
        let is_known = self.stat(&self.claim).is_ok();
        match strangeness(&stat).or_else(|| too_long(&stat).filter(|_| !is_known)) {
            None => Ok(()),
            Some(found) => Err(Error::Foreign { path: self.path.clone(), found }),
        }
    }

    /// Removes the pidfile, if what stands there is one.
    pub(super) fn remove_pidfile(&self) -> io::Result<()> {
        if self.check_pidfile().is_err() {
            return Ok(());
        }
        self.remove(&self.pidfile)
    }

    /// Removes the pidfile, which is known to be ours.
    pub(super) fn remove_sealed(&self) -> io::Result<()> {
        self.remove(&self.pidfile)
    }

    pub(super) fn remove_draft(&self) {
        // Where it cannot be removed, the next start cannot make its own there, and tells that.
        let _ = self.remove(&self.draft);
    }

    /// Removes the record, which is known to be ours.
    pub(super) fn remove_record(&self) -> io::Result<()> {
        self.remove(&self.record)
    }

    /// Removes the record of a daemon that did not end in order.
    pub(super) fn remove_stale_record(&self) {
        if self.is_record_ours() {
            // One that stays is believed of nobody but its daemon.
            let _ = self.remove(&self.record);
        }
    }

    pub(super) fn remove_claim(&self) {
        // A claim's file that stays is empty of meaning: the lock is what counts.
        let _ = self.remove(&self.claim);
    }

    /// Removes a claim that nobody holds any more, and before it what its daemon told of itself.
    pub(super) fn remove_stale_claim(&self) -> io::Result<()> {
        self.remove_stale_record();
        self.remove(&self.claim)
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Whether none of the names is there.
    pub(super) fn is_clear(&self) -> bool {
        let names = [&self.pidfile, &self.claim, &self.draft, &self.record];
        names.into_iter().all(|name| self.stat(name) == Err(Errno::ENOENT))
    }

    /// Why the pidfile is not to be believed, if it is there and is not.
    pub(super) fn pidfile_doubt(&self) -> Option<String> {
        self.doubt(&self.pidfile)
    }

    /// Why the record is not to be believed, if it is there and is not.
    pub(super) fn record_doubt(&self) -> Option<String> {
        self.doubt(&self.record)
    }

    /// Why what stands in the claim's place cannot be ours, if it cannot.
    pub(super) fn claim_strangeness(&self) -> Option<String> {
        strangeness(&self.stat(&self.claim).ok()?)
    }

    /// Why the claim is not to be believed, if it is there and is not.
    pub(super) fn claim_doubt(&self) -> Option<String> {
        self.doubt(&self.claim)
    }

    // A question believes, besides ourselves and root, whom the folder belongs to if nobody else can put anything there: it
    // is his daemon. Who could plant a file beside those of others could also lock it, and would be taken for the daemon.
    fn doubt(&self, name: &OsStr) -> Option<String> {
        let stat = self.stat(name).ok()?;
        let is_his = || {
            nix::sys::stat::fstat(&self.folder)
                .is_ok_and(|folder| folder.st_uid == stat.st_uid && folder.st_mode & 0o022 == 0)
        };
        kind(&stat).or_else(|| names(&stat)).or_else(|| owner(&stat).filter(|_| !is_his()))
    }

    pub(super) fn has_pidfile(&self) -> bool {
        self.stat(&self.pidfile).is_ok()
    }

    /// The pidfile's own name, without its folder.
    pub(super) fn name(&self) -> &OsStr {
        &self.pidfile
    }

    pub(super) fn claim_identity(&self) -> Option<(u64, u64)> {
        self.stat(&self.claim).ok().map(|stat| (stat.st_dev, stat.st_ino))
    }

    pub(super) fn pidfile_identity(&self) -> Option<(u64, u64)> {
        self.stat(&self.pidfile).ok().map(|stat| (stat.st_dev, stat.st_ino))
    }

    fn stat(&self, name: &OsStr) -> nix::Result<FileStat> {
        fstatat(&self.folder, name, AtFlags::AT_SYMLINK_NOFOLLOW)
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn with(name: &OsStr, suffix: &str) -> OsString {
    let mut whole = name.to_owned();
    whole.push(suffix);
    whole
}
