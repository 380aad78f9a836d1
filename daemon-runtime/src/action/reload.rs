//! `reload`: SIGHUP, if the daemon handles it; otherwise that signal would kill it.

use super::stop::handle;
use crate::error::Error;
use crate::pidfile::{Holders, Life, look};
use crate::process::privileges::user_of;
use crate::process::session;
use crate::spec::plan::Plan;
use crate::spec::signal::SignalAction;
use crate::spec::{Job, Spec};

/// SIGHUP was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reload {
    /// The daemon's pid.
    pub pid: i32,
}

pub(crate) fn reload(spec: &Spec) -> Result<Reload, Error> {
    let plan = Plan::of(spec)?;
    let daemon = match look(&plan.pidfile, user_of(&plan))? {
        Life::Running(daemon) => daemon,
        Life::Absent | Life::Dead { .. } | Life::Starting => return Err(Error::NotRunning),
        Life::Held => return Err(Error::CannotTell { reason: Holders::told(&plan.pidfile), path: plan.pidfile }),
        Life::Unknown { reason } => return Err(Error::CannotTell { path: plan.pidfile, reason }),
    };
    let Some(handle) = handle(&plan, &daemon)? else { return Err(Error::NotRunning) };
    let pid = daemon.pid;
    match heard(spec, &plan, pid) {
        Ok(true) => {}
        // It has ended since it was found: then what was seen of it says nothing.
        _ if handle.has_ended().unwrap_or(false) => return Err(Error::NotRunning),
        Ok(false) => return Err(Error::NotReloadable { pid }),
        Err(error) => return Err(error),
    }
    let signal = nix::libc::SIGHUP;
    match handle.signal(signal) {
        Ok(()) => Ok(Reload { pid }),
        Err(e) if e.raw_os_error() == Some(nix::libc::ESRCH) => Err(Error::NotRunning),
        Err(source) => Err(Error::unsent(pid, signal, source)),
    }
}

/// Whether SIGHUP would be heard, and as a reload.
fn heard(spec: &Spec, plan: &Plan, pid: i32) -> Result<bool, Error> {
    Ok(!ends_by_hangup(spec, plan) && handles_hangup(reloaded(spec, pid))?)
}

/// Whether SIGHUP is what asks for the shutdown: then it is handled, but not as a reload.
fn ends_by_hangup(spec: &Spec, plan: &Plan) -> bool {
    let hangup = nix::libc::SIGHUP;
    let is_mapped =
        |(signal, action): &(i32, SignalAction)| *signal == hangup && matches!(action, SignalAction::Terminate);
    plan.stop_signal == hangup || spec.signals.iter().any(is_mapped)
}

/// Who is to handle it: a daemon whose worker is another program passes it on.
fn reloaded(spec: &Spec, daemon: i32) -> i32 {
    if !matches!(*spec.job.borrow(), Job::Program { .. }) || spec.signals.iter().any(|(s, _)| *s == nix::libc::SIGHUP) {
        return daemon;
    }
    session::child_of(daemon).unwrap_or(daemon)
}

fn handles_hangup(pid: i32) -> Result<bool, Error> {
    let unseen = |e| Error::Look { pid, reason: session::why_unseen(pid, &e) };
    session::handles(pid, nix::libc::SIGHUP).map_err(unseen)
}
