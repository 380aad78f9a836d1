//! Without detaching: the process that was run becomes the daemon, with all stages but `Detach` and `Streams`.

use std::cell::RefCell;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use nix::sys::signal::SigSet;

use super::agreement::{Agreement, Announce};
use super::daemon::{self, Arrived};
use super::origin::Origin;
use super::stages::{Environment, Passage, Prepared, Role};
use super::{claim, end, first, mishap, reason, streams, work};
use crate::error::Error;
use crate::manager::Manager;
use crate::pidfile::{Acquired, Claimed, PAUSE, Running};
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

/// What came of becoming the daemon in the foreground.
pub(crate) enum Became {
    Daemon(Box<Arrived>),
    AlreadyRunning(Running),
}

/// Lives the daemon's whole life in this process. `announce` is called when it is ready.
pub(crate) fn live(spec: &Spec, plan: &Plan, announce: Announce) -> Result<Lived, Error> {
    match arrive(spec, plan, announce)? {
        Became::Daemon(arrived) => work_on(spec, &arrived),
        Became::AlreadyRunning(daemon) => Ok(Lived::AlreadyRunning(daemon)),
    }
}

/// Makes this process the daemon, as far as it can be without detaching.
pub(crate) fn arrive(spec: &Spec, plan: &Plan, announce: Announce) -> Result<Became, Error> {
    if end::is_to_come() {
        return Err(Error::AnotherHere);
    }
    streams::ensure_standard();
    let (prepared, origin) = (Prepared::open(plan)?, Origin::here());
    let manager = Manager::here(&plan.preserve_fds, mishap::report)?;
    first::part()?;
    let manager = manager.map(Manager::of_daemon).map(Arc::new);
    // As in the background: no signal ends a half-made daemon, nor leaves the names of one behind. They are unblocked when
    // there is somebody to hear them; and while another's claim is waited for, when there is nothing to leave.
    let mask = Mask::block(&SigSet::all()).map_err(|source| Error::Signals { source })?;
    let mut pause = || {
        mask.lifted(|| thread::sleep(PAUSE));
        Ok(())
    };
    let pidfile = match claim(spec, plan, &prepared, &mut pause)? {
        Acquired::Mine(pidfile) => pidfile,
        Acquired::Running(daemon) => return Ok(Became::AlreadyRunning(daemon)),
    };
    let pidfile = Arc::new(pidfile);
    // A hook that ends the process must leave nothing half-made either.
    end::arm(Arc::clone(&pidfile), None);
    let mut keep: Vec<_> = pidfile.descriptors().collect();
    keep.extend(manager.iter().flat_map(|manager| manager.descriptors()));
    let (role, environment) = (Role::Foreground, Environment::Launchers);
    let passage = Passage { spec, plan, pidfile: &pidfile, role, keep, environment };
    match passage.common(prepared).map_err(|failure| failure.told(plan)) {
        Ok(()) => {
            let arrived = alone(plan, pidfile, Role::Foreground, origin, announce, manager);
            Ok(Became::Daemon(Box::new(Arrived { mask: Some(mask), ..arrived })))
        }
        Err(error) => {
            end::release();
            Err(error)
        }
    }
}

/// The daemon, where there is no launcher to agree with.
pub(super) fn alone(
    plan: &Plan,
    pidfile: Arc<Claimed>,
    role: Role,
    origin: Origin,
    announce: Announce,
    manager: Option<Arc<Manager>>,
) -> Arrived {
    let agreement = Arc::new(Agreement::alone(plan.ready, announce, manager.clone(), Arc::clone(&pidfile)));
    let settled = (plan.ready == Readiness::Auto).then(|| Instant::now() + plan.settle);
    let (plan, origin, late) = (Arc::new(plan.clone()), Arc::new(origin), RefCell::default());
    Arrived { plan, pidfile, agreement, role, origin, settled, late, manager, mask: None }
}

/// Does the work, and returns when it is done.
pub(crate) fn work_on(spec: &Spec, arrived: &Arrived) -> Result<Lived, Error> {
    let worked = daemon::work(spec, arrived);
    let ready = !arrived.agreement.is_open();
    arrived.agreement.wait_for_announcer();
    end::release();
    match worked {
        Ok((outcome, _)) if arrived.plan.ready == Readiness::Notify && !ready && outcome.reason == reason::NORMALLY => {
            Err(Error::NeverReady { stderr: String::new() })
        }
        Ok((outcome, _watching)) => Ok(Lived::Ended { outcome, ready }),
        Err(source) => Err(Error::Signals { source }),
    }
}
