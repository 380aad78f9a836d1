//! Without detaching: the process that was run becomes the daemon, with all stages but `Detach` and `Streams`.

use std::sync::Arc;
use std::time::Instant;

use super::agreement::{Agreement, Announce};
use super::pidfile::{Acquired, PidFile, Running};
use super::stages::{Prepared, Role, Stage};
use super::{daemon, end, work};
use crate::error::Error;
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::spec::setting::Readiness;

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
    let staged = Prepared::open(plan).and_then(|prepared| {
        let staged = prepared.run(plan, &pidfile, Role::Foreground, &pidfile.descriptors());
        staged.map_err(|(stage, source)| stage.error(plan, source))
    });
    if let Err(error) = staged {
        pidfile.release();
        return Err(error);
    }
    let pidfile = Arc::new(pidfile);
    let agreement = Arc::new(Agreement::alone(announce, Arc::clone(&pidfile)));
    let settled = (plan.ready == Readiness::Auto).then(|| Instant::now() + plan.settle);
    let worked = daemon::work(spec, plan, &agreement, &pidfile, settled);
    let ready = !agreement.is_open();
    end::release();
    match worked {
        Ok((outcome, _watching)) => Ok(Lived::Ended { outcome, ready }),
        Err(source) => Err(Stage::Signals.error(plan, source)),
    }
}
