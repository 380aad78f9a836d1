//! The process that the kernel names as the daemon: by what it is proved, and whether it still stands.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, ErrorKind};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::PAUSE;
use super::claim::{CLAIM, WHOLE};
use super::holder::{self, Kind};
use super::place::Place;
use super::strange;
use crate::error::words;
use crate::sys::lock::{self, Range};
use crate::sys::proc_file;

/// A daemon that the kernel vouches for.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pid: i32,
    pub(super) proof: Proof,
    pub(super) starting: bool,
    /// Its own session, where it has one.
    pub(super) session: Option<i32>,
    /// Whether only its pidfile speaks for it, and nobody holds the claim.
    pub(super) claimless: bool,
    /// Why its claim does not tell whether its start is agreed on, where it does not.
    pub(crate) unagreed: Option<String>,
    /// Whether the file that it has locked says that it is its own.
    pub(super) noted: bool,
    /// By which of its descriptors it was seen to hold the lock: where it is looked at again.
    pub(super) held_by: Cell<Option<i32>>,
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
pub(super) enum Proof {
    /// The file and the range on which the process holds its witness.
    Lock(File, Range),
    /// The claim, and that the process has it open with the lock on it: it lost its witness by opening and closing a file.
    Open(File),
    /// It is this very process. It must not open its own files: closing them again would drop its witness.
    Myself,
}

impl Running {
    /// This very process.
    pub(super) fn myself() -> Self {
        Self::proved(i32::try_from(std::process::id()).unwrap_or_default(), Proof::Myself)
    }

    /// One that is proved, and of which nothing else is known.
    pub(super) fn proved(pid: i32, proof: Proof) -> Self {
        Self {
            pid,
            proof,
            starting: false,
            session: None,
            claimless: false,
            unagreed: None,
            noted: false,
            held_by: Cell::new(None),
        }
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
        strange::of_open(file).map(|found| format!("the file that vouches for pid {} {found}", self.pid))
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
        let descriptor = holder::descriptor(pid, file, Kind::Process, range, self.held_by.get());
        self.held_by.set(*descriptor.as_ref().unwrap_or(&None));
        match descriptor {
            Ok(None) => Standing::Doubtful(format!("the lock names pid {pid}, and that process does not hold it")),
            // A file that says something else, or any pidfile, may be somebody's who has locked it for himself: who may
            // rename what is in the folder can move it into our place.
            Ok(Some(_)) if range == WHOLE || !self.noted => of_user(pid, user),
            Ok(Some(_)) => Standing::Vouched,
            Err(e) => unseen(pid, &e),
        }
    }

    /// Whether the pidfile that its proof stands on is still the one in the place.
    pub(super) fn is_in(&self, place: &Place) -> bool {
        matches!(&self.proof, Proof::Lock(file, _) if place.is_pidfile(file))
    }

    /// Whether its start is not agreed on yet, as far as can be told.
    pub(crate) fn is_starting(&self) -> bool {
        self.starting
    }

    /// Whether what it is known by says the number that it has for us.
    pub(crate) fn is_noted(&self) -> bool {
        self.noted || matches!(self.proof, Proof::Myself)
    }

    /// The session that is the daemon's own, and nobody else's.
    pub(crate) fn session(&self) -> Option<i32> {
        self.session
    }
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
        ErrorKind::NotFound if !proc_file::is_mounted() => unseen("/proc is not mounted"),
        ErrorKind::NotFound if is_nobody(pid) => Standing::Gone,
        // We lack the right to look, or it is hidden from us.
        ErrorKind::NotFound | ErrorKind::PermissionDenied => Standing::Vouched,
        _ => unseen(&words(error)),
    }
}

/// Whether the process has this very file open together with the lock that is the claim.
pub(super) fn has_locked(pid: i32, claim: &File) -> bool {
    holder::holds(pid, claim, Kind::Description, CLAIM).unwrap_or(false)
}

/// Whether no process has this pid; asked of the kernel, because /proc may hide those of others.
pub(super) fn is_nobody(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}
