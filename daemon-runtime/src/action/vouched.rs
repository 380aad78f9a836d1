//! The daemon that something is asked of, by a signal: found, vouched for by the kernel, and by a handle that means nobody else.

use crate::error::Error;
use crate::pidfile::{Holders, Life, Running, Standing, look};
use crate::process::privileges::user_of;
use crate::process::session;
use crate::spec::plan::Plan;
use crate::sys::pidfd::PidFd;

/// A daemon that runs.
#[derive(Debug)]
pub(super) struct Vouched {
    pub(super) pid: i32,
    pub(super) handle: PidFd,
}

/// The daemon, if it runs now; one that is still starting does not.
pub(super) fn find(plan: &Plan) -> Result<Option<Vouched>, Error> {
    let daemon = match look(&plan.pidfile, user_of(plan))? {
        Life::Running(daemon) => daemon,
        Life::Absent | Life::Dead { .. } | Life::Starting => return Ok(None),
        Life::Held => return Err(cannot_tell(plan, Holders::told(&plan.pidfile))),
        Life::Unknown { reason } => return Err(cannot_tell(plan, reason)),
    };
    Ok(handle(plan, &daemon)?.map(|handle| Vouched { pid: daemon.pid, handle }))
}

/// A handle on the daemon, or nothing if it has ended meanwhile.
pub(super) fn handle(plan: &Plan, daemon: &Running) -> Result<Option<PidFd>, Error> {
    if let Some(reason) = daemon.distrust() {
        return Err(cannot_tell(plan, reason));
    }
    let handle = match PidFd::open(daemon.pid) {
        Ok(handle) => handle,
        Err(e) if e.raw_os_error() == Some(nix::libc::ESRCH) => return Ok(None),
        Err(source) => return Err(Error::Handle { call: "pidfd_open", source }),
    };
    // Asked after the handle was made: if the kernel still vouches for the number, the handle cannot mean anybody else.
    match daemon.standing(user_of(plan)) {
        Standing::Vouched => Ok(Some(handle)),
        Standing::Gone => Ok(None),
        Standing::Doubtful(reason) | Standing::Unseen(reason) => Err(cannot_tell(plan, reason)),
    }
}

/// Sends a signal; false where the process has ended by itself.
pub(super) fn send(handle: &PidFd, pid: i32, signal: i32) -> Result<bool, Error> {
    match handle.signal(signal) {
        Ok(()) => Ok(true),
        Err(e) if e.raw_os_error() == Some(nix::libc::ESRCH) => Ok(false),
        Err(source) => Err(Error::unsent(pid, signal, source)),
    }
}

/// Whether the process handles the signal.
pub(super) fn handles(pid: i32, signal: i32) -> Result<bool, Error> {
    session::handles(pid, signal).map_err(|e| Error::Look { pid, reason: session::why_unseen(pid, &e) })
}

pub(super) fn cannot_tell(plan: &Plan, reason: String) -> Error {
    Error::CannotTell { path: plan.pidfile.clone(), reason }
}
