//! Who the daemon is, by the kernel's word: pure questions, which disturb nobody.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use super::claim::{CLAIM, STARTING, WHOLE, WITNESS};
use super::place::Place;
use crate::error::Error;
use crate::sys::lock::{self, Range};

/// What there is to say of a pidfile's daemon.
#[derive(Debug)]
pub(crate) enum Life {
    /// It runs.
    Running(Running),
    /// Somebody holds the claim, and no daemon vouches for it: a start or an end in progress.
    Between,
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
    session: i32,
}

#[derive(Debug)]
enum Proof {
    /// The file and the range on which the process holds its witness.
    Lock(File, Range),
    /// It is this very process. It must not open its own files: closing them again would drop its witness.
    Myself,
}

impl Running {
    /// Whether the kernel still names the same process. Asked again after a pidfd was opened, this makes sure that the
    /// handle means the daemon, and not a process that got its number.
    pub(crate) fn is_vouched(&self) -> bool {
        match &self.proof {
            Proof::Lock(file, range) => matches!(lock::holder(file, *range), Ok(Some(pid)) if pid == self.pid),
            Proof::Myself => true,
        }
    }

    /// Whether its start is not agreed on yet.
    pub(crate) fn is_starting(&self) -> bool {
        self.starting
    }

    /// The session that is the daemon's own, and nobody else's.
    pub(crate) fn session(&self) -> Option<i32> {
        Some(self.session).filter(|sid| *sid > 0)
    }
}

/// The device and inode of the claim that this process holds the witness on.
static MINE: OnceLock<(u64, u64)> = OnceLock::new();

pub(super) fn this_process_holds(claim: &File) {
    if let Ok(metadata) = claim.metadata() {
        let _ = MINE.set((metadata.dev(), metadata.ino()));
    }
}

/// Whether this process is the daemon there.
pub(super) fn is_mine(place: &Place) -> bool {
    MINE.get().is_some_and(|mine| place.claim_identity() == Some(*mine))
}

/// What there is to say of the daemon whose pidfile is `path`.
pub(crate) fn look(path: &Path) -> Result<Life, Error> {
    let Some(place) = Place::find(path)? else { return Ok(Life::Absent) };
    if is_mine(&place) {
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        return Ok(Life::Running(Running { pid, proof: Proof::Myself, starting: false, session: 0 }));
    }
    match place.open_claim() {
        Ok(claim) => by_claim(&place, claim).map_err(|source| Error::Claim { path: place.claim_path(), source }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(by_pidfile(&place, Claim::Free)),
        Err(_) => Ok(by_pidfile(&place, Claim::NotOurs)),
    }
}

/// What is known of the claim where only the pidfile can be asked.
#[derive(Clone, Copy)]
enum Claim {
    /// Nobody holds it.
    Free,
    /// It is another account's.
    NotOurs,
}

fn by_claim(place: &Place, claim: File) -> io::Result<Life> {
    if !lock::is_locked(&claim, CLAIM)? {
        return Ok(by_pidfile(place, Claim::Free));
    }
    let starting = lock::is_locked(&claim, STARTING)?;
    match lock::holder(&claim, WITNESS)? {
        Some(pid) => {
            let session = number(&claim).unwrap_or(0);
            Ok(Life::Running(Running { pid, proof: Proof::Lock(claim, WITNESS), starting, session }))
        }
        None => Ok(Life::Between),
    }
}

fn by_pidfile(place: &Place, claim: Claim) -> Life {
    if let Some(daemon) = of_pidfile(place) {
        return Life::Running(daemon);
    }
    match (claim, place.has_pidfile()) {
        (Claim::Free, false) => Life::Absent,
        (Claim::Free, true) => Life::Dead { left: left_behind(place) },
        (Claim::NotOurs, false) => {
            Life::Unknown { reason: format!("{} belongs to another user", place.claim_path().display()) }
        }
        (Claim::NotOurs, true) => of_another_account(place),
    }
}

/// The daemon whose witness is on the pidfile, if there is one.
pub(super) fn of_pidfile(place: &Place) -> Option<Running> {
    if place.pidfile_strangeness().is_some() {
        return None;
    }
    let file = place.open_pidfile().ok()?;
    let pid = lock::holder(&file, WHOLE).ok()??;
    Some(Running { pid, proof: Proof::Lock(file, WHOLE), starting: false, session: 0 })
}

fn left_behind(place: &Place) -> String {
    let path = place.path().display();
    if let Some(found) = place.pidfile_strangeness() {
        return format!("{path} {found}");
    }
    match place.open_pidfile().map(|file| number(&file)) {
        Ok(Some(pid)) => format!("{path} was left behind by pid {pid}"),
        Ok(None) => format!("{path} was left behind, and names no process"),
        Err(e) => format!("{path} was left behind, and cannot be read: {}", crate::error::words(&e)),
    }
}

// The claim cannot be asked, and the worker may have lost the witness by opening and closing its own pidfile. Only a
// number that no process has is a proof: of death.
fn of_another_account(place: &Place) -> Life {
    let path = place.path().display();
    match place.open_pidfile().map(|file| number(&file)) {
        Ok(Some(pid)) if !Path::new(&format!("/proc/{pid}")).exists() => Life::Dead { left: left_behind(place) },
        Ok(Some(pid)) => Life::Unknown { reason: format!("{path} names pid {pid}, which does not vouch for it") },
        Ok(None) => Life::Unknown { reason: format!("{path} names no process") },
        Err(e) => Life::Unknown { reason: format!("{path} cannot be read: {}", crate::error::words(&e)) },
    }
}

/// The number in a pidfile: digits and one newline at most, above 0. Everything else names nobody: kill(2) would take 0 and
/// -1 for whole crowds.
fn number(mut file: &File) -> Option<i32> {
    let mut start = [0_u8; 16];
    let length = file.read(&mut start).ok()?;
    let text = std::str::from_utf8(&start[..length]).ok()?;
    let digits = text.strip_suffix('\n').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|pid| plain && *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    fn read_back(text: &str) -> Option<i32> {
        let path = std::env::temp_dir().join(format!("number-{}-{}", std::process::id(), text.len()));
        let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file.rewind().expect("rewound");
        std::fs::remove_file(&path).expect("removed");
        number(&file)
    }

    #[test]
    fn only_a_plain_positive_number_names_a_process() {
        assert_eq!(read_back("1234\n"), Some(1234));
        assert_eq!(read_back("1234"), Some(1234));
        for text in [
            "",
            "\n",
            "0\n",
            "-1\n",
            "+7\n",
            " 7\n",
            "7 \n",
            "7\n8\n",
            "banana\n",
            "2147483648\n",
            "\0\0\0\0\0",
            "99999999999999999999",
        ] {
            assert_eq!(read_back(text), None, "{text:?}");
        }
    }
}
