//! Whether this process is the daemon itself: it must not open its own files, because closing them again would drop its
//! witnesses.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::place::Place;
use crate::folder::{self, Identity};

/// The process that holds a witness, and the file that it holds it on: claim or pidfile, either of which may have lost its name.
/// A child that is forked inherits the note, and not the witness.
static MINE: Mutex<Vec<(u32, Identity)>> = Mutex::new(Vec::new());

pub(super) fn this_process_holds(files: [&File; 2]) {
    note().extend(files.into_iter().filter_map(identity).map(|file| (std::process::id(), file)));
}

pub(super) fn this_process_lets_go(files: [&File; 2]) {
    let files = files.map(identity);
    note().retain(|(_, held)| !files.contains(&Some(*held)));
}

fn identity(file: &File) -> Option<Identity> {
    file.metadata().ok().as_ref().map(folder::identity)
}

fn note() -> MutexGuard<'static, Vec<(u32, Identity)>> {
    MINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process is the daemon there.
pub(super) fn is_mine(place: &Place) -> bool {
    let pid = std::process::id();
    let mine: Vec<_> = note().iter().filter(|(holder, _)| *holder == pid).map(|(_, held)| Some(*held)).collect();
    // Most often there is nothing to compare.
    !mine.is_empty() && [place.claim_identity(), place.pidfile_identity()].iter().any(|named| mine.contains(named))
}
