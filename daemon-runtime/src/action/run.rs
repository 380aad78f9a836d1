//! `run`: the daemon's work in the foreground, without a word on success.

use std::sync::Arc;
use std::time::Duration;

use super::StartOptions;
use super::start::{on_start, plan, running};
use crate::error::Error;
use crate::process::anew::received;
use crate::process::foreground::{self, Lived};
use crate::spec::plan::Plan;
use crate::spec::setting::{OnError, Readiness};
use crate::spec::{Job, Spec, Timetable};

/// How a run in the foreground came out, if it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Run {
    /// The worker has ended.
    Ended {
        /// Its exit code.
        code: u8,
    },
    /// The daemon was running already; nothing was done.
    AlreadyRunning {
        /// Its pid.
        pid: i32,
    },
}

pub(crate) fn run(spec: &Spec) -> Result<Run, Error> {
    run_with(spec, |plan| plan)
}

fn run_with(spec: &Spec, adapt: impl FnOnce(Plan) -> Plan) -> Result<Run, Error> {
    if let Some(arrived) = received(spec)? {
        return foreground::work_on(spec, &arrived).map(Run::from);
    }
    let plan = adapt(plan(spec, &StartOptions::default())?);
    if let Some(daemon) = running(spec, &plan)? {
        return Ok(Run::AlreadyRunning { pid: daemon.pid });
    }
    on_start(spec)?;
    foreground::live(spec, &plan, Arc::new(|| {})).map(Run::from)
}

/// One tick, at once; `times` and the rest of the timetable are for who calls it.
pub(crate) fn run_once(spec: &Spec) -> Result<Run, Error> {
    let Some(_once) = Once::begin(spec) else { return Err(Error::NotRepeating { action: "run once" }) };
    run_with(spec, |plan| Plan { ready: Readiness::Auto, ..plan })
}

/// A timetable of one tick, as long as this lives.
struct Once<'a> {
    spec: &'a Spec,
    before: (Timetable, OnError),
}

impl<'a> Once<'a> {
    fn begin(spec: &'a Spec) -> Option<Self> {
        let mut job = spec.job.borrow_mut();
        let Job::Repeat { timetable, on_error, .. } = &mut *job else { return None };
        let one = Timetable { times: 1, initial_delay: Duration::ZERO, jitter: Duration::ZERO, ..timetable.clone() };
        // A tick that fails is the end, with its own exit code.
        let before = (std::mem::replace(timetable, one), std::mem::replace(on_error, OnError::Stop));
        Some(Self { spec, before })
    }
}

impl Drop for Once<'_> {
    fn drop(&mut self) {
        if let Job::Repeat { timetable, on_error, .. } = &mut *self.spec.job.borrow_mut() {
            (*timetable, *on_error) = self.before.clone();
        }
    }
}

impl From<Lived> for Run {
    fn from(lived: Lived) -> Self {
        match lived {
            Lived::Ended { outcome, .. } => Self::Ended { code: outcome.code },
            Lived::AlreadyRunning(daemon) => Self::AlreadyRunning { pid: daemon.pid },
        }
    }
}
