//! `run`: the daemon's work in the foreground, without a word on success.

use std::sync::Arc;

use super::start::{on_start, running};
use crate::error::Error;
use crate::process::foreground::{self, Lived};
use crate::spec::Spec;
use crate::spec::plan::Plan;

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
    let plan = Plan::of(spec)?;
    if let Some(daemon) = running(&plan)? {
        return Ok(Run::AlreadyRunning { pid: daemon.pid });
    }
    on_start(spec)?;
    match foreground::live(spec, &plan, Arc::new(|| {}))? {
        Lived::Ended { outcome, .. } => Ok(Run::Ended { code: outcome.code }),
        Lived::AlreadyRunning(daemon) => Ok(Run::AlreadyRunning { pid: daemon.pid }),
    }
}
