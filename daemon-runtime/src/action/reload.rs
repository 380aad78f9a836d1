//! `reload`: SIGHUP, if the daemon handles it; otherwise that signal would kill it.

use super::stop::handle;
use crate::error::Error;
use crate::pidfile::{HELD, Life, look};
use crate::spec::Spec;
use crate::spec::plan::Plan;

/// SIGHUP was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reload {
    /// The daemon's pid.
    pub pid: i32,
}

pub(crate) fn reload(spec: &Spec) -> Result<Reload, Error> {
    let plan = Plan::of(spec)?;
    let daemon = match look(&plan.pidfile)? {
        Life::Running(daemon) => daemon,
        Life::Absent | Life::Dead { .. } | Life::Starting => return Err(Error::NotRunning),
        Life::Held => return Err(Error::CannotTell { path: plan.pidfile, reason: HELD.to_owned() }),
        Life::Unknown { reason } => return Err(Error::CannotTell { path: plan.pidfile, reason }),
    };
    let Some(handle) = handle(&plan, &daemon)? else { return Err(Error::NotRunning) };
    let pid = daemon.pid;
    // Where SIGHUP is what asks for the shutdown, it is handled, but not as a reload.
    if plan.stop_signal == nix::libc::SIGHUP || !handles_hangup(pid)? {
        return Err(Error::NotReloadable { pid });
    }
    let signal = nix::libc::SIGHUP;
    handle.signal(signal).map_err(|source| Error::Signal { pid, signal, source })?;
    Ok(Reload { pid })
}

/// Whether the process has a handler for SIGHUP; proc(5), `SigCgt`.
fn handles_hangup(pid: i32) -> Result<bool, Error> {
    let look = |e: procfs::ProcError| Error::Look { pid, source: std::io::Error::other(e) };
    let caught = procfs::process::Process::new(pid).and_then(|process| process.status()).map_err(look)?.sigcgt;
    Ok(caught & (1 << (nix::libc::SIGHUP - 1)) != 0)
}
