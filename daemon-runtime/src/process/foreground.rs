//! Without detaching: the process that was run becomes the daemon, with all stages but `Detach` and `Streams`.

use std::sync::Arc;
use std::time::Instant;

use nix::sys::signal::SigSet;

use super::agreement::{Agreement, Announce};
use super::pidfile::{Acquired, PidFile, Running};
use super::stages::{Prepared, Role, Stage};
use super::{daemon, end, reason, work};
use crate::error::Error;
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::spec::setting::Readiness;
use crate::sys::disposition::Mask;

/// How a run in the foreground came out.
#[derive(Debug)]
pub(crate) enum Lived {
    Ended { outcome: work::Outcome, ready: bool },
    AlreadyRunning(Running),
}

/// Lives the daemon's whole life in this process. `announce` is called when it is ready.
pub(crate) fn live(spec: &Spec, plan: &Plan, announce: Announce) -> Result<Lived, Error> {
    let pidfile = match PidFile::acquire(&plan.pidfile, plan.start_timeout)? {
        Acquired::Mine(pidfile) => pidfile,
        Acquired::Running(daemon) => return Ok(Lived::AlreadyRunning(daemon)),
    };
    // As in the background: no signal ends a half-made daemon. They are unblocked when there is somebody to hear them.
    let blocked = Mask::block(&SigSet::all()).map_err(|source| Error::Signals { source });
    let staged = blocked.and_then(|mask| stage(plan, &pidfile).map(|()| std::mem::forget(mask)));
    if let Err(error) = staged {
        pidfile.release();
        return Err(error);
    }
    let pidfile = Arc::new(pidfile);
    let agreement = Arc::new(Agreement::alone(plan.ready, announce, Arc::clone(&pidfile)));
    let settled = (plan.ready == Readiness::Auto).then(|| Instant::now() + plan.settle);
    let worked = daemon::work(spec, plan, &agreement, &pidfile, settled);
    let ready = !agreement.is_open();
    agreement.wait_for_announcer();
    end::release();
    match worked {
        Ok((outcome, _)) if plan.ready == Readiness::Notify && !ready && outcome.reason == reason::NORMALLY => {
            Err(Error::NeverReady { stderr: String::new() })
        }
        Ok((outcome, _watching)) => Ok(Lived::Ended { outcome, ready }),
        Err(source) => Err(Stage::Signals.error(plan, source)),
    }
}

fn stage(plan: &Plan, pidfile: &PidFile) -> Result<(), Error> {
    let staged = Prepared::open(plan)?.run(plan, pidfile, Role::Foreground, &pidfile.descriptors());
    staged.map_err(|(stage, source)| stage.error(plan, source))
}
