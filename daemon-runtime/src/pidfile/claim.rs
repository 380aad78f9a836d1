//! The claim: one lock that goes from the launcher through both forks to the daemon's last breath.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::place::{Place, not_ours};
use crate::error::Error;
use crate::sys::lock::{self, Range};

/// Held as long as the daemon or one who is about to become it lives (an OFD lock).
pub(super) const CLAIM: Range = Range { start: 0, len: 1 };
/// Both at once, so that nobody sees a claim that has been taken for a start and does not say so.
const BOTH: Range = Range { start: 0, len: 2 };
/// Held until the start is agreed on, so that other starts can wait for its end (an OFD lock).
pub(super) const STARTING: Range = Range { start: 1, len: 1 };
/// The daemon's witness in the claim (a POSIX lock).
pub(super) const WITNESS: Range = Range { start: 2, len: 1 };
/// The daemon's witness in the pidfile (a POSIX lock), from its first byte to its last.
pub(super) const WHOLE: Range = Range { start: 0, len: 0 };

/// Held by a `stop` that has sent its signal and waits (an OFD lock of its own).
const STOPPING: Range = Range { start: 3, len: 1 };

/// Whose turn it is to ask the daemon to stop.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Ours, for as long as this is kept; there is no file where there is no claim that we could open.
    Ours { _lock: Option<File> },
    /// Another `stop` has asked, and waits.
    Anothers,
}

/// Takes the turn to ask the daemon to stop. A daemon that is asked twice ends at once, which nobody wants who only comes
/// second.
pub(super) fn take_turn(place: &Place) -> Turn {
    let Ok(claim) = place.open_claim_to_lock() else { return Turn::Ours { _lock: None } };
    match lock::try_lock_description(&claim, STOPPING) {
        Ok(false) => Turn::Anothers,
        Ok(true) | Err(_) => Turn::Ours { _lock: Some(claim) },
    }
}

/// Takes the claim, or nothing while another holds it.
pub(super) fn try_take(place: &Place) -> Result<Option<File>, Error> {
    let failed = |source| Error::Claim { path: place.claim_path(), source };
    loop {
        let claim = match place.create_claim() {
            Ok(claim) => claim,
            Err(source) => return Err(refusal(place, source)),
        };
        if let Some(found) = not_ours(place, Some(&claim)) {
            return Err(Error::Foreign { path: place.claim_path(), found });
        }
        if !lock::try_lock_description(&claim, BOTH).map_err(failed)? {
            return Ok(None);
        }
        // Its last holder may have removed the name after we opened it: then we have locked a file without a name, and
        // another may lock the one that has it.
        if place.is_claim(&claim) {
            // Set on the file, so that the umask has no say in it: after a crash we must be able to open it again.
            claim.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
            return Ok(Some(claim));
        }
    }
}

// In a sticky folder the kernel answers EACCES for a planted link: the person should read what is there all the same.
fn refusal(place: &Place, source: io::Error) -> Error {
    match not_ours(place, None) {
        Some(found) => Error::Foreign { path: place.claim_path(), found },
        None => Error::Claim { path: place.claim_path(), source },
    }
}

/// Whether anybody holds the claim, asked without taking it. What cannot be asked counts as free.
pub(super) fn is_held(place: &Place) -> bool {
    place.open_claim().is_ok_and(|claim| lock::is_locked(&claim, CLAIM).unwrap_or(false))
}

/// Whether the claim is held by somebody who is neither a daemon nor about to become one, asked without taking it. What
/// cannot be asked counts as free.
pub(super) fn lingers(path: &Path) -> bool {
    let place = Place::find(path).ok().flatten();
    let Some(claim) = place.and_then(|place| place.open_claim().ok()) else { return false };
    let held = |range| lock::is_locked(&claim, range).unwrap_or(false);
    let witness = lock::holder(&claim, WITNESS).unwrap_or_default();
    held(CLAIM) && !held(STARTING) && witness.is_none()
}
