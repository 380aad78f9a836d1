//! What a living daemon tells of itself: the record, a file of fixed size beside the pidfile.
//!
//! It is made under the claim, for those daemons only that have something to tell, and removed under it: for a repeating one by
//! the launcher, as a part of the start; for any other when it says something for the first time, if it can by then. The daemon writes it
//! over in one call, through the descriptor that came along, so that it can do so as whatever user and in whatever root it is
//! by then. Who reads it takes no lock and asks the daemon nothing: half of a record is known by its sum, and read again. It
//! proves nothing: whether the daemon lives, the locks tell, and a record counts only as that daemon's whom they name.

mod bytes;
mod recent;
mod recorder;
mod text;

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use self::bytes::{Buffer, SIZE};
pub(crate) use self::recent::{Brief, Recent};
pub(crate) use self::recorder::{Asked, Recorder, Subject};
pub(crate) use self::text::Text;
use super::place::Place;
use crate::error::{Error, words};
use crate::sys::again::again;
use crate::sys::file_size;

/// How often one reads again what was written to while it was read.
const MOST_READS: u32 = 100;

/// How long one lets the daemon finish its writing.
const MOMENT: Duration = Duration::from_micros(100);

/// All that a daemon tells of itself. Moments ahead are on the monotonic clock, which its ticks go by; what has been is on the
/// clock on the wall, which also goes on while the machine sleeps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    /// Who tells.
    pub(crate) pid: u32,
    /// Which image of the program in this process, from 0: one is begun by each reload.
    pub(crate) image: u64,
    /// Ticks that ended well.
    pub(crate) done: u64,
    /// Ticks that failed or panicked.
    pub(crate) failed: u64,
    /// Ticks that were left out, because they came due while another ran.
    pub(crate) skipped: u64,
    /// Whether no tick begins by itself.
    pub(crate) paused: bool,
    /// Whether it has ticks to tell of.
    pub(crate) repeats: bool,
    /// The tick that runs, as far as it was told: its number, and since when, on the wall.
    pub(crate) running: Option<(u64, Duration)>,
    /// The tick that ended last.
    pub(crate) last: Option<Past>,
    /// The last ones, this one too.
    pub(crate) recent: Recent,
    /// The next one: its number, and when it is due, on the monotonic clock.
    pub(crate) next: Option<(u64, Duration)>,
    /// The ticks that somebody has asked for: how many have begun, and how many have ended.
    pub(crate) asked: (u64, u64),
    /// The one of these that ended last.
    pub(crate) last_asked: Option<Past>,
    /// The number of the tick that failed last.
    pub(crate) last_failed: Option<u64>,
    /// Its error.
    pub(crate) error: Text,
    /// The error of the last one that was asked for.
    pub(crate) asked_error: Text,
    /// What the worker says that it is doing.
    pub(crate) status: Text,
}

/// A tick that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) number: u64,
    /// When it began, on the wall: the time since 1970.
    pub(crate) at: Duration,
    pub(crate) took: Duration,
    pub(crate) is_well: bool,
}

/// Makes the file, all of its size: a disk that is full is told now, and not by ticks that nobody hears of.
pub(super) fn make(place: &Place) -> Result<File, Error> {
    let made = place.create_record().and_then(|file| {
        let filled = file_size::told_by_error(|| file.write_all_at(&[0; SIZE], 0));
        let filled = filled.and_then(|()| file.set_permissions(Permissions::from_mode(0o644)));
        filled.map(|()| file).inspect_err(|_| drop(place.remove_record()))
    });
    made.map_err(|source| place.record_refusal(source))
}

/// The record of a daemon, open: it can be read up to its end, and after it.
#[derive(Debug)]
pub(crate) struct Opened {
    file: File,
    pid: i32,
    path: PathBuf,
}

impl Opened {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// That of the daemon `pid` of this pidfile; nothing where there is none.
    pub(crate) fn find(path: &Path, pid: i32) -> Result<Option<Self>, String> {
        let Some(place) = Place::find(path).map_err(|e| e.to_string())? else { return Ok(None) };
        let path = place.record_path();
        if let Some(found) = place.record_doubt() {
            return Err(format!("{} {found}", path.display()));
        }
        match place.open_record() {
            Ok(file) => Ok(Some(Self { file, pid, path })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unread(&path, &e)),
        }
    }

    /// What it says; nothing where the daemon has told nothing yet.
    pub(crate) fn read(&self) -> Result<Option<Record>, String> {
        let record = read_open(&self.file).map_err(|e| unread(&self.path, &e))?;
        Ok(record.filter(|record| i32::try_from(record.pid) == Ok(self.pid)))
    }
}

fn unread(path: &Path, error: &io::Error) -> String {
    format!("cannot read {}: {}", path.display(), words(error))
}

/// What the daemon `pid` of this pidfile tells of itself; nothing where it has told nothing yet.
pub(crate) fn read(path: &Path, pid: i32) -> Result<Option<Record>, String> {
    Opened::find(path, pid)?.map_or(Ok(None), |opened| opened.read())
}

/// What stands in the file, once nobody is writing to it.
pub(crate) fn read_open(file: &File) -> io::Result<Option<Record>> {
    for _ in 0..MOST_READS {
        let mut bytes = [0; SIZE];
        let length = again(|| file.read_at(&mut bytes, 0))?;
        let read = bytes.get(..length).unwrap_or_default();
        if read.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if let Some(record) = bytes::parse(read)? {
            return Ok(Some(record));
        }
        std::thread::sleep(MOMENT);
    }
    Err(io::Error::other("it is another one each time"))
}

/// Writes it over: in one call, if the system takes it so.
pub(crate) fn write(file: &File, record: &Record, buffer: &mut Buffer) -> io::Result<()> {
    let bytes = buffer.fill(record);
    file_size::told_by_error(|| file.write_all_at(bytes, 0))
}
