//! Whose turn it is to ask the daemon to stop. A daemon that is asked twice ends at once, which nobody wants who only comes
//! second: `stop`s that meet send one signal between them.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::holder;
use super::place::Place;
use crate::sys::lock::{self, Range};

/// Held by a `stop` that has sent its signal and waits. It is a POSIX lock, so that the kernel names the process: the daemon
/// can lock the byte too, by the claim that it has open, and it must not keep anybody from asking it.
const STOPPING: Range = Range { start: 3, len: 1 };

/// How often one tries anew when the byte is held by nobody who could be named.
const MOST_TRIES: u32 = 100;

#[derive(Debug)]
pub(crate) enum Turn {
    /// Ours, for as long as this is kept.
    Ours { _kept: Option<Kept> },
    /// Another `stop` has asked, and waits.
    Anothers,
}

/// The turn of this process. Other threads of it are not kept off by a lock of the process's own. (One that only asks while we
/// wait opens and closes the claim, and so drops the lock: then another process may send a second signal.)
#[derive(Debug)]
pub(crate) struct Kept {
    claim: Option<File>,
    identity: (u64, u64),
}

static TURNS: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

fn turns() -> MutexGuard<'static, Vec<(u64, u64)>> {
    TURNS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Closed while nobody else here can take the turn: it would drop the other's lock.
        let mut turns = turns();
        drop(self.claim.take());
        turns.retain(|held| *held != self.identity);
    }
}

/// Takes the turn to ask the daemon to stop. Where there is no claim that we could lock, nobody else can have it.
pub(super) fn take(place: &Place) -> Turn {
    let ours = Turn::Ours { _kept: None };
    let Some(identity) = place.claim_identity() else { return ours };
    let mut turns = turns();
    // Asked before the file is opened: closing it again would drop the lock of the thread that has it.
    if turns.contains(&identity) {
        return Turn::Anothers;
    }
    let Ok(claim) = place.open_claim_to_lock() else { return ours };
    for _ in 0..MOST_TRIES {
        if lock::try_lock_process(&claim, STOPPING).unwrap_or(true) {
            turns.push(identity);
            return Turn::Ours { _kept: Some(Kept { claim: Some(claim), identity }) };
        }
        let holder = lock::opponent(&claim, STOPPING).unwrap_or_default();
        if holder.is_some_and(|pid| could_stop(pid, &claim)) {
            return Turn::Anothers;
        }
    }
    // Whoever holds it all the time is no `stop`.
    ours
}

/// Whether the process could have opened the claim by its name, as a `stop` does: it is root's, or the claim's owner's.
fn could_stop(pid: i32, claim: &File) -> bool {
    let owner = claim.metadata().map_or(0, |claim| claim.uid());
    holder::user_of(pid).map_or_else(|| holder::user_of(1).is_none(), |uid| uid == 0 || uid == owner)
}
