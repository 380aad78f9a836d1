//! A log as a file to read.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{Gid, Group, Uid, User};

use crate::error::Error;
use crate::folder::{Identity, Spot, identity};
use crate::sys::again::again;

/// What is read at once.
pub(super) const BLOCK: usize = 64 * 1024;

/// How a log is opened: what turns out to be no file is neither waited for nor made our terminal.
const CAREFUL: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NOCTTY).union(OFlag::O_NONBLOCK);

#[derive(Debug)]
pub(super) struct Log {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl Log {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file =
            open(path).map_err(|source| Error::Log { path: path.to_owned(), source: explained(path, source) })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// How long it is now.
    pub(super) fn len(&self) -> Result<u64, Error> {
        self.told(self.file.metadata()).map(|file| file.len())
    }

    pub(super) fn identity(&self) -> Result<Identity, Error> {
        self.told(self.file.metadata()).map(|file| identity(&file))
    }

    /// Reads until the buffer is full; less where the file ends.
    pub(super) fn read_at(&self, buffer: &mut [u8], at: u64) -> Result<usize, Error> {
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.told(again(|| self.file.read_at(rest, at + read as u64)))? {
                0 => break,
                count => read += count,
            }
        }
        Ok(read)
    }

    /// Hands on what is there from `from` to `to`, piece by piece; less where the file has become shorter meanwhile.
    pub(super) fn copy(
        &self,
        from: u64,
        to: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut buffer = vec![0; BLOCK];
        let mut at = from;
        while at < to {
            let piece = buffer.get_mut(..up_to(to - at)).unwrap_or_default();
            let count = self.read_at(piece, at)?;
            if count == 0 {
                break;
            }
            take(piece.get(..count).unwrap_or_default())?;
            at += count as u64;
        }
        Ok(())
    }

    /// Where the line of this number begins in the first `end` bytes, the first one being 1; `end` where there are not so many.
    pub(super) fn start_of_line(&self, number: u64, end: u64) -> Result<u64, Error> {
        let (mut left, mut at) = (number.saturating_sub(1), 0);
        let mut buffer = vec![0; BLOCK];
        while left > 0 && at < end {
            let piece = buffer.get_mut(..up_to(end - at)).unwrap_or_default();
            let count = self.read_at(piece, at)?;
            if count == 0 {
                return Ok(end);
            }
            let mut newlines = piece.iter().take(count).zip(1_u64..).filter(|(byte, _)| **byte == b'\n');
            let skip = usize::try_from(left - 1).unwrap_or(usize::MAX);
            match newlines.clone().nth(skip) {
                Some((_, behind)) => return Ok(at + behind),
                None => left -= newlines.by_ref().count() as u64,
            }
            at += count as u64;
        }
        Ok(at)
    }

    pub(super) fn told<T>(&self, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|source| Error::Log { path: self.path.clone(), source })
    }
}

/// A block's length, or less where less is left.
fn up_to(left: u64) -> usize {
    usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK))
}

/// The error of a log that is not there, with where the lines are if systemd has opened the streams of this unit.
pub(super) fn with_unit(error: Error, unit: &str) -> Error {
    match error {
        Error::Log { path, source } if source.kind() == ErrorKind::NotFound => {
            let text = format!("{source}; under systemd its lines may be in the journal: `journalctl -u {unit}`");
            Error::Log { path, source: io::Error::new(ErrorKind::NotFound, text) }
        }
        other => other,
    }
}

/// Whether the log is just not there.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Log { source, .. } if source.kind() == ErrorKind::NotFound)
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::from(Spot::find(path)?.open(CAREFUL)?);
    let kind = file.metadata()?.file_type();
    let found = match () {
        () if kind.is_file() => return Ok(file),
        () if kind.is_dir() => "it is a folder",
        () if kind.is_fifo() => "it is a FIFO, whose lines are gone when they are read",
        () if kind.is_block_device() || kind.is_char_device() => "it is a device",
        () => "it is no file",
    };
    Err(unfit(found))
}

fn unfit(found: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{found}; only of a file there are lines to be shown"))
}

/// The same error, with what there is to be done about it.
fn explained(path: &Path, error: io::Error) -> io::Error {
    let text = match error.kind() {
        ErrorKind::NotFound => {
            "No such file or directory; the daemon makes it when it starts, or at a `reload`".to_owned()
        }
        ErrorKind::PermissionDenied => format!("Permission denied; {}", who_may(path)),
        // open(2), ENXIO.
        _ if error.raw_os_error() == Some(Errno::ENXIO as i32) => return unfit("it is a socket or has no device"),
        _ => return error,
    };
    io::Error::new(error.kind(), text)
}

fn who_may(path: &Path) -> String {
    let Ok(file) = path.metadata() else { return "ask as the daemon's user, or as root".to_owned() };
    let user = User::from_uid(Uid::from_raw(file.uid())).ok().flatten();
    let group = Group::from_gid(Gid::from_raw(file.gid())).ok().flatten();
    let user = user.map_or_else(|| format!("uid {}", file.uid()), |user| user.name);
    let group = group.map_or_else(|| format!("gid {}", file.gid()), |group| group.name);
    let mode = file.mode() & 0o7777;
    format!("it belongs to {user}, and to the group {group}, with mode {mode:04o}: ask as who may read it, or as root")
}
