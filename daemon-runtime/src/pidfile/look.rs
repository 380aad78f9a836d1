//! What there is to say of a daemon: pure questions to the claim and the pidfile, which disturb nobody.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::PAUSE;
use super::claim::{self, BOTH, STARTING, WHOLE, WITNESS};
use super::mine::is_mine;
use super::place::Place;
use super::text;
use super::witness::{Proof, Running, Standing, has_locked, is_nobody};
use crate::error::{Error, words};
use crate::handover::Handover;
use crate::sys::lock;

/// What there is to say of a pidfile's daemon.
#[derive(Debug)]
pub(crate) enum Life {
    /// It runs.
    Running(Running),
    /// A start is in progress, and the daemon is not there yet.
    Starting,
    /// Somebody holds the claim, and nobody vouches for it: an end in progress, or a child that outlived its daemon.
    Held,
    /// It does not run, and left something behind.
    Dead {
        /// What was left, in words.
        left: String,
    },
    /// It does not run.
    Absent,
    /// There is no proof either way.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// How often one looks again at what is in between, or changes while it is looked at.
const PATIENCE: u32 = 10;

/// How often one looks again at a claim that is another each time.
const MOST_LOOKS: u32 = 100;

/// What there is to say of the daemon whose pidfile is `path`, and which becomes `user`, if it is known.
pub(crate) fn look(path: &Path, user: Option<u32>) -> Result<Life, Error> {
    match Place::find(path)? {
        Some(place) => look_at(&place, user),
        None => Ok(Life::Absent),
    }
}

/// The same, where one has come to the folder already.
pub(crate) fn look_at(place: &Place, user: Option<u32>) -> Result<Life, Error> {
    if Handover::is_of(place.path()) {
        // What this image of the program was begun with is about to become the daemon here: nobody else is it.
        return Ok(Life::Absent);
    }
    if is_mine(place) {
        return Ok(Life::Running(Running::myself()));
    }
    let mut patience = PATIENCE;
    for _ in 0..MOST_LOOKS {
        let before = place.claim_identity();
        let life = look_once(place)?;
        let standing = match &life {
            Life::Running(daemon) => daemon.standing(user),
            _ => Standing::Vouched,
        };
        match standing {
            Standing::Doubtful(reason) => return Ok(Life::Unknown { reason }),
            // Most often somebody who is just dying, or stands between fork and exec.
            _ if matches!(life, Life::Held) && patience > 0 => patience -= 1,
            // Half of an answer may be of one daemon, and half of the next: it counts only if the claim stayed the same.
            Standing::Vouched | Standing::Unseen(_) if place.claim_identity() == before && is_settled(place, &life) => {
                return Ok(life);
            }
            _ => {}
        }
        std::thread::sleep(PAUSE);
    }
    Ok(Life::Unknown { reason: format!("{} is another one each time", place.claim_path().display()) })
}

/// A daemon without a claim is one whose claim somebody has removed by hand; or one that is just being started, or just
/// dying. In this order it shows which: if the claim was free, and only then the pidfile is still there and its daemon
/// still vouches for it, then it did so at the moment in which the claim was free.
fn is_settled(place: &Place, life: &Life) -> bool {
    match life {
        Life::Running(daemon) if daemon.claimless => {
            // What cannot be asked is looked at once more.
            !claim::is_held(place) && daemon.is_in(place) && daemon.is_vouched().unwrap_or(false)
        }
        _ => true,
    }
}

fn look_once(place: &Place) -> Result<Life, Error> {
    if let Some(found) = place.claim_doubt() {
        return by_pidfile(place, &Claim::Unasked(found)).map_err(|source| unasked(place, source));
    }
    let by_pidfile = |why: &str| by_pidfile(place, &Claim::Unasked(why.to_owned()));
    let looked = match place.open_claim() {
        Ok(claim) => by_claim(place, claim),
        Err(e) => match e.kind() {
            ErrorKind::NotFound => self::by_pidfile(place, &Claim::Free),
            ErrorKind::PermissionDenied => by_pidfile("belongs to another user"),
            // fcntl(2), F_SETLEASE: only its owner can have taken one.
            ErrorKind::WouldBlock => by_pidfile("is leased by a process"),
            _ => Err(e),
        },
    };
    looked.map_err(|source| unasked(place, source))
}

fn unasked(place: &Place, source: io::Error) -> Error {
    Error::Claim { path: place.claim_path(), source }
}

/// What is known of the claim where only the pidfile can be asked.
enum Claim {
    /// Nobody holds it.
    Free,
    /// It could not be asked, for this reason.
    Unasked(String),
}

fn by_claim(place: &Place, claim: File) -> io::Result<Life> {
    if !lock::is_locked(&claim, BOTH)? {
        return by_pidfile(place, &Claim::Free);
    }
    let witness = lock::holder(&claim, WITNESS)?;
    // Between two looks at the same witness: while it lives, only the agreement ends the starting. Without the second look
    // this could be the starting of one daemon, and the witness of the next.
    let starting = lock::is_locked(&claim, STARTING)? || lock::holder(&claim, WITNESS)? != witness;
    let note = text::note(&claim)?.unwrap_or_default();
    if note.pid > 0 && note.name != place.name() {
        let reason = format!("{} is the claim of {}", place.claim_path().display(), note.name.to_string_lossy());
        return Ok(Life::Unknown { reason });
    }
    let (pid, proof) = match witness {
        Some(pid) => (pid, Proof::Lock(claim, WITNESS)),
        None if has_locked(note.pid, &claim) => (note.pid, Proof::Open(claim)),
        None if starting => return Ok(Life::Starting),
        // The claim's name may be new, and the daemon's own claim have none any more. This one is another's, and cannot say
        // whether the daemon's start is agreed on.
        None => {
            let daemon = of_pidfile(place)?.map(|daemon| Running { starting: true, ..daemon });
            return Ok(daemon.map_or(Life::Held, Life::Running));
        }
    };
    let session = note.session.filter(|_| pid == note.pid);
    Ok(Life::Running(Running { starting, session, noted: pid == note.pid, ..Running::proved(pid, proof) }))
}

fn by_pidfile(place: &Place, claim: &Claim) -> io::Result<Life> {
    if let Some(daemon) = of_pidfile(place)? {
        let path = place.claim_path();
        let (claimless, why) = match claim {
            Claim::Free => (true, format!("nobody holds {}", path.display())),
            Claim::Unasked(why) => (false, format!("{} {why}", path.display())),
        };
        return Ok(Life::Running(Running { claimless, unagreed: Some(why), ..daemon }));
    }
    Ok(match (claim, place.has_pidfile()) {
        (Claim::Free, true) if is_planted(place) => Life::Unknown { reason: left_behind(place) },
        (Claim::Free, false) => Life::Absent,
        (Claim::Free, true) => Life::Dead { left: left_behind(place) },
        (Claim::Unasked(why), false) => Life::Unknown { reason: format!("{} {why}", place.claim_path().display()) },
        (Claim::Unasked(why), true) => without_claim(place, why),
    })
}

/// The daemon whose witness is on the pidfile, if there is one.
pub(super) fn of_pidfile(place: &Place) -> io::Result<Option<Running>> {
    if place.pidfile_doubt().is_some() || !place.has_pidfile() {
        return Ok(None);
    }
    let file = match place.open_pidfile() {
        Ok(file) => file,
        // There is none, or none that this account may ask; or its owner keeps it from being asked by a lease.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::WouldBlock) => {
            return Ok(None);
        }
        Err(e) => return Err(e),
    };
    let Some(pid) = lock::holder(&file, WHOLE)? else { return Ok(None) };
    let noted = text::number(&file)? == Some(pid);
    Ok(Some(Running { noted, ..Running::proved(pid, Proof::Lock(file, WHOLE)) }))
}

/// Whether a pidfile that is not to be believed is locked all the same, as only a daemon's is.
fn is_planted(place: &Place) -> bool {
    let locked = |file: &File| lock::holder(file, WHOLE).unwrap_or_default().is_some();
    place.pidfile_doubt().is_some() && place.open_pidfile().is_ok_and(|file| locked(&file))
}

fn left_behind(place: &Place) -> String {
    let path = place.path().display();
    if let Some(found) = place.pidfile_doubt() {
        return format!("{path} {found}");
    }
    match place.open_pidfile().and_then(|file| text::number(&file)) {
        Ok(Some(pid)) => format!("{path} was left behind by pid {pid}"),
        Ok(None) => format!("{path} was left behind, and names no process"),
        Err(e) => format!("{path} was left behind, and cannot be read: {}", words(&e)),
    }
}

// The claim cannot be asked, and the worker may have lost the witness by opening and closing its own pidfile. Only a
// number that no process has is a proof: of death.
fn without_claim(place: &Place, why: &str) -> Life {
    let (path, claim) = (place.path().display(), place.claim_path());
    let unknown = |what: String| Life::Unknown { reason: format!("{path} {what}, and {} {why}", claim.display()) };
    match place.open_pidfile().and_then(|file| text::number(&file)) {
        Ok(Some(pid)) if is_nobody(pid) => Life::Dead { left: left_behind(place) },
        Ok(Some(pid)) => unknown(format!("names pid {pid}, which does not vouch for it")),
        Ok(None) => unknown("names no process".to_owned()),
        Err(e) => unknown(format!("cannot be read: {}", words(&e))),
    }
}
