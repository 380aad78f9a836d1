//! `reload`: SIGHUP, if the daemon handles it; otherwise that signal would kill it.

use super::vouched;
use crate::error::Error;
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
    let Some(daemon) = vouched::find(&plan)? else { return Err(Error::NotRunning) };
    let pid = daemon.pid;
    match heard(spec, &plan, pid) {
        Ok(true) => {}
        // It has ended since it was found: then what was seen of it says nothing.
        _ if daemon.handle.has_ended().unwrap_or(false) => return Err(Error::NotRunning),
        Ok(false) => return Err(Error::NotReloadable { pid }),
        Err(error) => return Err(error),
    }
    if vouched::send(&daemon.handle, pid, nix::libc::SIGHUP)? { Ok(Reload { pid }) } else { Err(Error::NotRunning) }
}

/// Whether SIGHUP would be heard, and as a reload.
fn heard(spec: &Spec, plan: &Plan, pid: i32) -> Result<bool, Error> {
    Ok(!ends_by_hangup(spec, plan) && vouched::handles(reloaded(spec, pid), nix::libc::SIGHUP)?)
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
