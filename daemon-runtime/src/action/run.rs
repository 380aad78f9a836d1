//! `run`: the daemon's work in the foreground, without a word on success.

use std::sync::Arc;

use super::StartOptions;
use super::start::{on_start, plan, running};
use crate::error::Error;
use crate::process::anew::received;
use crate::process::foreground::{self, Lived};
use crate::spec::Spec;

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
    if let Some(arrived) = received(spec)? {
        return foreground::work_on(spec, &arrived).map(Run::from);
    }
    let plan = plan(spec, &StartOptions::default())?;
    if let Some(daemon) = running(spec, &plan)? {
        return Ok(Run::AlreadyRunning { pid: daemon.pid });
    }
    on_start(spec)?;
    foreground::live(spec, &plan, Arc::new(|| {})).map(Run::from)
}

impl From<Lived> for Run {
    fn from(lived: Lived) -> Self {
        match lived {
            Lived::Ended { outcome, .. } => Self::Ended { code: outcome.code },
            Lived::AlreadyRunning(daemon) => Self::AlreadyRunning { pid: daemon.pid },
        }
    }
}
