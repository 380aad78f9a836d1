//! What a daemon is asked to be: the builder, and the plain data behind it.

mod builder;
pub(crate) mod expand;
pub(crate) mod hook;
pub(crate) mod plan;
pub(crate) mod setting;
pub(crate) mod worker;

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

pub use self::builder::Daemon;
use self::hook::{OnShutdown, OnStart};
use self::setting::{CloseFds, Detach, Missed, OnError, Readiness, StopSignal, Umask};
use self::worker::{Body, Worker};
use crate::error::Error;

/// What was asked for, as it was asked for; [`plan::Plan`] is what follows from it.
pub(crate) struct Spec {
    pub(crate) job: RefCell<Job>,
    pub(crate) name: Option<String>,
    pub(crate) about: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) pidfile: Option<PathBuf>,
    pub(crate) stdin: Option<PathBuf>,
    pub(crate) stdout: Option<PathBuf>,
    pub(crate) stderr: Option<PathBuf>,
    pub(crate) workdir: Option<PathBuf>,
    pub(crate) umask: Umask,
    pub(crate) core_dumps: bool,
    pub(crate) detach: Detach,
    pub(crate) close_fds: CloseFds,
    pub(crate) settle: Duration,
    pub(crate) ready: Readiness,
    pub(crate) start_timeout: Duration,
    pub(crate) stop_timeout: Duration,
    pub(crate) stop_signal: StopSignal,
    pub(crate) on_start: Option<OnStart>,
    pub(crate) on_shutdown: Option<OnShutdown>,
    pub(crate) refused: Vec<(&'static str, String, String)>,
}

/// What the daemon does.
pub(crate) enum Job {
    /// One call of the worker.
    Once(Worker),
    /// The body again and again.
    Repeat { timetable: Timetable, on_error: OnError, body: Body },
}

/// How a daemon repeats. All times are counted from the anchor, the moment the daemon began.
#[derive(Debug, Clone)]
pub(crate) struct Timetable {
    pub(crate) every: Duration,
    /// 0 means for ever.
    pub(crate) times: u64,
    pub(crate) missed: Missed,
    pub(crate) jitter: Duration,
    pub(crate) initial_delay: Duration,
}

impl Default for Timetable {
    fn default() -> Self {
        Self {
            every: Duration::ZERO,
            times: 0,
            missed: Missed::Skip,
            jitter: Duration::ZERO,
            initial_delay: Duration::ZERO,
        }
    }
}

impl Spec {
    fn refuse(&mut self, key: &'static str, value: &str, reason: &str) {
        self.refused.push((key, value.to_owned(), reason.to_owned()));
    }

    fn refuse_repeat_key(&mut self, key: &'static str) {
        self.refuse(key, "...", "only a repeating daemon (`Daemon::repeat`, `#[repeat_daemon]`) has it");
    }

    fn timetable(&mut self, key: &'static str, change: impl FnOnce(&mut Timetable)) {
        match self.job.get_mut() {
            Job::Repeat { timetable, .. } => change(timetable),
            Job::Once(_) => self.refuse_repeat_key(key),
        }
    }

    fn job_timetable(&mut self) -> Option<&Timetable> {
        match self.job.get_mut() {
            Job::Repeat { timetable, .. } => Some(timetable),
            Job::Once(_) => None,
        }
    }

    /// The first setting that cannot be, as an error.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.refused.first() {
            None => Ok(()),
            Some((key, value, reason)) => Err(Error::Setting { key, value: value.clone(), reason: reason.clone() }),
        }
    }
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec").field("name", &self.name).field("pidfile", &self.pidfile).finish_non_exhaustive()
    }
}
