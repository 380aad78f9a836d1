//! Who the daemon is, by the kernel's word: pure questions, which disturb nobody.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::PAUSE;
use super::claim::{self, BOTH, CLAIM, STARTING, WHOLE, WITNESS};
use super::holder::{self, Kind};
use super::place::{self, Place};
use super::text;
use crate::error::{Error, words};
use crate::handover::Handover;
use crate::sys::lock::{self, Range};

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

/// A daemon that the kernel vouches for.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pid: i32,
    proof: Proof,
    starting: bool,
    /// Its own session, where it has one.
    session: Option<i32>,
    /// Whether only its pidfile speaks for it, and nobody holds the claim.
    claimless: bool,
    /// Whether the file that it has locked says that it is its own.
    noted: bool,
}

/// What came of a second look at a daemon that the kernel has named.
#[derive(Debug)]
pub(crate) enum Standing {
    Vouched,
    /// It is not named any more: it has ended, or handed its locks on.
    Gone,
    /// The number cannot be believed, for this reason.
    Doubtful(String),
    /// The lock alone speaks for it: the process cannot be looked at, for this reason.
    Unseen(String),
}

/// How often one looks again at a process that the kernel names and that does not have the lock: one that is just dying closes
/// its files a moment before it loses its locks.
const LOOKS: u32 = 50;

#[derive(Debug)]
enum Proof {
    /// The file and the range on which the process holds its witness.
    Lock(File, Range),
    /// The claim, and that the process has it open with the lock on it: it lost its witness by opening and closing a file.
    Open(File),
    /// It is this very process. It must not open its own files: closing them again would drop its witness.
    Myself,
}

impl Running {
    /// One that is proved, and of which nothing else is known.
    fn proved(pid: i32, proof: Proof) -> Self {
        Self { pid, proof, starting: false, session: None, claimless: false, noted: false }
    }

    /// Whether the kernel still names the same process. Asked again after a pidfd was opened, this makes sure that the
    /// handle means the daemon, and not a process that got its number. An error is the reason why it cannot be asked.
    pub(crate) fn is_vouched(&self) -> Result<bool, String> {
        let unasked = |e| format!("the lock that vouches for pid {} cannot be asked: {}", self.pid, words(&e));
        match &self.proof {
            Proof::Lock(file, range) => Ok(lock::holder(file, *range).map_err(unasked)? == Some(self.pid)),
            Proof::Open(claim) => Ok(has_locked(self.pid, claim)),
            Proof::Myself => Ok(true),
        }
    }

    /// Whether another process holds its locks now. A new start makes files of its own, so this one has them from the daemon.
    pub(crate) fn is_succeeded(&self) -> bool {
        match &self.proof {
            Proof::Lock(file, range) => {
                lock::holder(file, *range).unwrap_or_default().is_some_and(|pid| pid != self.pid)
            }
            Proof::Open(_) | Proof::Myself => false,
        }
    }

    /// Why it must not be signalled, if it must not: the proof is only as good as the owner of the file that it stands on.
    /// Another account could have planted the file and locked it, and by now the number could be anybody's.
    pub(crate) fn distrust(&self) -> Option<String> {
        let file = match &self.proof {
            Proof::Lock(file, _) | Proof::Open(file) => file,
            Proof::Myself => return None,
        };
        place::not_ours_open(file).map(|found| format!("the file that vouches for pid {} {found}", self.pid))
    }

    /// Asks the kernel again, and looks at the process itself. `user`: whom the daemon becomes, if it is known.
    pub(crate) fn standing(&self, user: Option<u32>) -> Standing {
        let mut looks = 0;
        loop {
            match self.is_vouched() {
                Ok(true) => {}
                Ok(false) => return Standing::Gone,
                Err(reason) => return Standing::Doubtful(reason),
            }
            match self.second_look(user) {
                Standing::Doubtful(_) if looks < LOOKS => {}
                seen => return seen,
            }
            looks += 1;
            std::thread::sleep(PAUSE);
        }
    }

    // Only who asks as root could harm anybody, and he can look. Where even he may not, for which he needs a capability, the
    // lock alone counts.
    fn second_look(&self, user: Option<u32>) -> Standing {
        let pid = self.pid;
        let (file, range) = match &self.proof {
            _ if !nix::unistd::geteuid().is_root() => return Standing::Vouched,
            Proof::Lock(file, range) => (file, *range),
            // The process has the open file that is the claim; but a file can be passed on, and the number in it be written
            // by whoever has it open.
            Proof::Open(_) => return of_user(pid, user),
            Proof::Myself => return Standing::Vouched,
        };
        if !self.noted && user.is_none() {
            return Standing::Doubtful(format!("the file that pid {pid} has locked does not say that it is its own"));
        }
        match holder::holds(pid, file, Kind::Process, range) {
            Ok(false) => Standing::Doubtful(format!("the lock names pid {pid}, and that process does not hold it")),
            // A file that says something else, or any pidfile, may be somebody's who has locked it for himself: who may
            // rename what is in the folder can move it into our place.
            Ok(true) if range == WHOLE || !self.noted => of_user(pid, user),
            Ok(true) => Standing::Vouched,
            Err(e) => unseen(pid, &e),
        }
    }

    /// Whether the pidfile that its proof stands on is still the one in the place.
    fn is_in(&self, place: &Place) -> bool {
        matches!(&self.proof, Proof::Lock(file, _) if place.is_pidfile(file))
    }

    /// Whether its start is not agreed on yet, as far as can be told.
    pub(crate) fn is_starting(&self) -> bool {
        self.starting
    }

    /// The session that is the daemon's own, and nobody else's.
    pub(crate) fn session(&self) -> Option<i32> {
        self.session
    }
}

/// The process that holds a witness, and the device and inode of the claim that it holds it on. A child that is forked
/// inherits the note, and not the witness.
static MINE: Mutex<Vec<(u32, (u64, u64))>> = Mutex::new(Vec::new());

pub(super) fn this_process_holds(claim: &File) {
    if let Ok(metadata) = claim.metadata() {
        note().push((std::process::id(), (metadata.dev(), metadata.ino())));
    }
}

pub(super) fn this_process_lets_go(claim: &File) {
    let Ok(metadata) = claim.metadata() else { return };
    note().retain(|(_, held)| *held != (metadata.dev(), metadata.ino()));
}

fn note() -> MutexGuard<'static, Vec<(u32, (u64, u64))>> {
    MINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process is the daemon there.
pub(super) fn is_mine(place: &Place) -> bool {
    let claim = place.claim_identity();
    note().iter().any(|(pid, held)| *pid == std::process::id() && claim == Some(*held))
}

/// Whether the process can be the daemon that becomes `user`: him that one could signal itself, so nobody is harmed.
fn of_user(pid: i32, user: Option<u32>) -> Standing {
    match (user, holder::user_of(pid)) {
        (Some(user), Some(real)) if real != user => {
            Standing::Doubtful(format!("pid {pid} belongs to uid {real}, and the daemon to uid {user}"))
        }
        (Some(_), None) => Standing::Unseen(format!("to whom pid {pid} belongs cannot be seen")),
        _ => Standing::Vouched,
    }
}

fn unseen(pid: i32, error: &io::Error) -> Standing {
    let unseen = |why: &str| {
        Standing::Unseen(format!("whether pid {pid} has the file open that vouches for it cannot be seen: {why}"))
    };
    match error.kind() {
        // It shows this process to itself, whatever else it hides.
        ErrorKind::NotFound if !Path::new("/proc/self").exists() => unseen("/proc is not mounted"),
        ErrorKind::NotFound if is_nobody(pid) => Standing::Gone,
        // We lack the right to look, or it is hidden from us.
        ErrorKind::NotFound | ErrorKind::PermissionDenied => Standing::Vouched,
        _ => unseen(&words(error)),
    }
}

/// How often one looks again at what is in between, or changes while it is looked at.
const PATIENCE: u32 = 10;

/// How often one looks again at a claim that is another each time.
const MOST_LOOKS: u32 = 100;

/// What there is to say of the daemon whose pidfile is `path`, and which becomes `user`, if it is known.
pub(crate) fn look(path: &Path, user: Option<u32>) -> Result<Life, Error> {
    if Handover::is_of(path) {
        // What this image of the program was begun with is about to become the daemon here: nobody else is it.
        return Ok(Life::Absent);
    }
    let Some(place) = Place::find(path)? else { return Ok(Life::Absent) };
    if is_mine(&place) {
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        return Ok(Life::Running(Running::proved(pid, Proof::Myself)));
    }
    let mut patience = PATIENCE;
    for _ in 0..MOST_LOOKS {
        let before = place.claim_identity();
        let life = look_once(&place)?;
        let standing = match &life {
            Life::Running(daemon) => daemon.standing(user),
            _ => Standing::Vouched,
        };
        match standing {
            Standing::Doubtful(reason) => return Ok(Life::Unknown { reason }),
            // Most often somebody who is just dying, or stands between fork and exec.
            _ if matches!(life, Life::Held) && patience > 0 => patience -= 1,
            // Half of an answer may be of one daemon, and half of the next: it counts only if the claim stayed the same.
            Standing::Vouched | Standing::Unseen(_)
                if place.claim_identity() == before && is_settled(&place, &life) =>
            {
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

/// Whether the process has this very file open together with the lock that is the claim.
pub(super) fn has_locked(pid: i32, claim: &File) -> bool {
    holder::holds(pid, claim, Kind::Description, CLAIM).unwrap_or(false)
}

/// Whether no process has this pid; asked of the kernel, because /proc may hide those of others.
fn is_nobody(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}

fn by_pidfile(place: &Place, claim: &Claim) -> io::Result<Life> {
    if let Some(daemon) = of_pidfile(place)? {
        let claimless = matches!(claim, Claim::Free);
        return Ok(Life::Running(Running { claimless, ..daemon }));
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
