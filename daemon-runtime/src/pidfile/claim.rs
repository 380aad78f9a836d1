//! The claim: one lock that goes from the launcher through both forks to the daemon's last breath.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;

use super::place::Place;
use super::strange;
use crate::error::Error;
use crate::sys::lock::{self, Range};

/// Held as long as the daemon or one who is about to become it lives (an OFD lock).
pub(super) const CLAIM: Range = Range { start: 0, len: 1 };
/// Both at once, so that nobody sees a claim that has been taken for a start and does not say so.
pub(super) const BOTH: Range = Range { start: 0, len: 2 };
/// Held until the start is agreed on, so that other starts can wait for its end (an OFD lock).
pub(super) const STARTING: Range = Range { start: 1, len: 1 };
/// The daemon's witness in the claim (a POSIX lock).
pub(super) const WITNESS: Range = Range { start: 2, len: 1 };
/// The daemon's witness in the pidfile (a POSIX lock), from its first byte to its last.
pub(super) const WHOLE: Range = Range { start: 0, len: 0 };

/// How often one tries anew to make what somebody removes or locks at every try.
const MOST_TRIES: u32 = 100;

/// Takes the claim, or nothing while another holds it.
///
/// It is a file that nobody else has ever had open: what is there already is locked, and so known to be given up, and then
/// removed for a new one. Who has the old one open, a child of the last daemon or one that it was passed to, can neither write
/// into the new claim nor lock any byte of it; and no file is changed that somebody moved into the claim's place.
pub(super) fn try_take(place: &Place) -> Result<Option<File>, Error> {
    let failed = |source| Error::Claim { path: place.claim_path(), source };
    for _ in 0..MOST_TRIES {
        let (claim, is_new) = match place.make_claim() {
            Ok(claim) => (claim, true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match place.open_claim_to_lock() {
                Ok(claim) => (claim, false),
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(refusal(place, source)),
            },
            Err(source) => return Err(refusal(place, source)),
        };
        if let Some(found) = (!is_new).then(|| strange::of_open(&claim)).flatten() {
            return Err(Error::Foreign { path: place.claim_path(), found });
        }
        let opened = if is_new { open_to_us(&claim) } else { Ok(()) };
        match opened.and_then(|()| lock::try_lock_description(&claim, BOTH)) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(source) => {
                if is_new {
                    take_back(place, &claim);
                }
                return Err(failed(source));
            }
        }
        // Its last holder, or another start, may have removed the name after we opened it: then we have locked a file without
        // a name, and another may lock the one that has it.
        match (place.is_claim(&claim), is_new) {
            (true, true) => return Ok(Some(claim)),
            (true, false) => place.remove_stale_claim().map_err(failed)?,
            (false, _) => {}
        }
    }
    Err(Error::Foreign { path: place.claim_path(), found: "is replaced by somebody again and again".to_owned() })
}

/// Sees to the mode of a new claim, in which the umask has no say: after a crash we must be able to open it again.
fn open_to_us(claim: &File) -> io::Result<()> {
    let is_open = claim.metadata()?.permissions().mode() & 0o7777 == 0o600;
    if is_open { Ok(()) } else { claim.set_permissions(Permissions::from_mode(0o600)) }
}

/// Removes the file that we have made, as far as it can be locked: another start may hold it by now.
fn take_back(place: &Place, claim: &File) {
    if matches!(lock::try_lock_description(claim, BOTH), Ok(true)) && place.is_claim(claim) {
        place.remove_claim();
    }
}

// In a sticky folder the kernel answers EACCES for a planted link: the person should read what is there all the same.
fn refusal(place: &Place, source: io::Error) -> Error {
    match place.claim_strangeness() {
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
pub(super) fn lingers(place: &Place) -> bool {
    let Ok(claim) = place.open_claim() else { return false };
    let held = |range| lock::is_locked(&claim, range).unwrap_or(false);
    let witness = lock::holder(&claim, WITNESS).unwrap_or_default();
    held(CLAIM) && !held(STARTING) && witness.is_none()
}
