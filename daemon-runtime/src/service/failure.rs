//! What an action of a service came to, and why it did not.

use std::fmt;
use std::path::PathBuf;

use crate::error::Error;

/// What an action of a [`ServiceRunner`](crate::ServiceRunner) came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Served {
    /// The service runs, with this pid.
    Started {
        /// The daemon's pid.
        pid: i32,
    },
    /// The service has run already to its good end.
    Ended,
    /// It did not detach, and its whole life is over.
    Ran {
        /// Its exit code.
        code: u8,
    },
    /// The service is stopped.
    Stopped {
        /// The pid it had.
        pid: i32,
    },
}

/// Why a [`ServiceRunner`](crate::ServiceRunner) did not do what was asked. Its `Debug` is the sentence, as that of [`Error`] is.
#[non_exhaustive]
pub enum ServiceRunnerError {
    /// There is no such action.
    InvalidAction {
        /// What was asked for; nothing, if nothing was.
        action: Option<String>,
    },
    /// The service was not started.
    StartFailure {
        /// Why: [`Error::AlreadyRunning`] and [`Error::ClaimHeld`] mean that the pidfile is locked already.
        source: Error,
        /// The pidfile, if one was named.
        pidfile: Option<PathBuf>,
    },
    /// The service was not stopped.
    StopFailure {
        /// Why: [`Error::NotRunning`] means that the pidfile is not locked.
        source: Error,
        /// The pidfile, if one was named.
        pidfile: Option<PathBuf>,
    },
}

impl ServiceRunnerError {
    pub(crate) fn worker_stderr(&self) -> Option<&str> {
        match self {
            Self::InvalidAction { .. } => None,
            Self::StartFailure { source, .. } | Self::StopFailure { source, .. } => source.worker_stderr(),
        }
    }
}

impl fmt::Display for ServiceRunnerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = |pidfile: &Option<PathBuf>| match pidfile {
            Some(path) => format!("the pidfile {}", path.display()),
            None => "the pidfile".to_owned(),
        };
        match self {
            Self::InvalidAction { action: Some(action) } => write!(f, "unknown action `{action}`"),
            Self::InvalidAction { action: None } => f.write_str("an action is needed"),
            Self::StartFailure { source: Error::AlreadyRunning { pid }, pidfile } => {
                write!(f, "{} is already locked, by pid {pid}", file(pidfile))
            }
            Self::StopFailure { source: Error::NotRunning, pidfile } => write!(f, "{} is not locked", file(pidfile)),
            Self::StartFailure { source, .. } | Self::StopFailure { source, .. } => source.fmt(f),
        }
    }
}

impl fmt::Debug for ServiceRunnerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ServiceRunnerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InvalidAction { .. } => None,
            Self::StartFailure { source, .. } | Self::StopFailure { source, .. } => Some(source),
        }
    }
}
