//! The runner of a service as python-daemon documents it: an application with paths and a function, and three actions whose
//! errors are told apart.

pub(crate) mod failure;

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::failure::{Served, ServiceRunnerError};
use crate::action::{Start, Stop};
use crate::error::Error;
use crate::outcome::{self, Outcome};
use crate::spec::Daemon;

/// What a [`ServiceRunner`] runs: its paths, and its work.
pub trait Application {
    /// The work, in the daemon. When it returns, the daemon ends.
    fn run(&mut self);

    /// The file that becomes standard input. Default: `/dev/null`.
    fn stdin_path(&self) -> PathBuf {
        PathBuf::from("/dev/null")
    }

    /// The file that standard output is appended to. Default: `/dev/null`.
    fn stdout_path(&self) -> PathBuf {
        PathBuf::from("/dev/null")
    }

    /// The file that standard error is appended to. Default: `/dev/null`.
    fn stderr_path(&self) -> PathBuf {
        PathBuf::from("/dev/null")
    }

    /// The pidfile. Default: the place that [`Daemon::pidfile`] names.
    fn pidfile_path(&self) -> Option<PathBuf> {
        None
    }

    /// How long a start waits for a pidfile that is locked. Default: not at all.
    fn pidfile_timeout(&self) -> Duration {
        Duration::ZERO
    }
}

/// Runs an [`Application`] as a service, by `start`, `stop` and `restart`.
///
/// ```no_run
/// use daemon_runtime::{Application, Outcome, ServiceRunner};
/// use std::path::PathBuf;
///
/// struct Clock;
///
/// impl Application for Clock {
///     fn run(&mut self) {
///         loop {
///             println!("tick");
///             std::thread::sleep(std::time::Duration::from_secs(1));
///         }
///     }
///     fn stdout_path(&self) -> PathBuf {
///         "/var/log/clock.log".into()
///     }
///     fn pidfile_path(&self) -> Option<PathBuf> {
///         Some("/run/clock.pid".into())
///     }
/// }
///
/// fn main() -> Outcome {
///     ServiceRunner::new(Clock).dispatch(std::env::args_os())
/// }
/// ```
#[derive(Debug)]
pub struct ServiceRunner {
    daemon: Daemon,
    pidfile: Option<PathBuf>,
}

/// The actions, in the order of the usage line.
const ACTIONS: [&str; 3] = ["start", "stop", "restart"];

impl ServiceRunner {
    /// A runner of this application.
    pub fn new(app: impl Application + 'static) -> Self {
        let (stdin, stdout, stderr) = (app.stdin_path(), app.stdout_path(), app.stderr_path());
        let (pidfile, timeout) = (app.pidfile_path(), app.pidfile_timeout());
        let app = RefCell::new(app);
        let daemon = Daemon::new(move || app.borrow_mut().run());
        let daemon = daemon.stdin(stdin).stdout(stdout).stderr(stderr).pidfile_timeout(timeout);
        Self { daemon: daemon.pidfile(pidfile.clone()), pidfile }
    }

    /// Does one of `start`, `stop` and `restart`. Of a start this returns in the launcher, when it knows how that came out; in
    /// the daemon it never returns. A restart of what is not running starts it.
    ///
    /// # Errors
    /// The three kinds that [`ServiceRunnerError`] tells apart.
    pub fn do_action(&self, action: &str) -> Result<Served, ServiceRunnerError> {
        match action {
            "start" => self.start(),
            "stop" => self.stop(),
            "restart" => {
                match self.stop() {
                    Ok(_) | Err(ServiceRunnerError::StopFailure { source: Error::NotRunning, .. }) => {}
                    Err(failure) => return Err(failure),
                }
                self.start()
            }
            other => Err(ServiceRunnerError::InvalidAction { action: Some(other.to_owned()) }),
        }
    }

    /// Does what the command line says, and tells how that came out, on stderr: the pid of a start, the usage line (exit code
    /// 2), or what went wrong (1, or the exit code that [`Daemon::dispatch`] would have).
    pub fn dispatch(&self, args: impl IntoIterator<Item = OsString>) -> Outcome {
        let mut words = args.into_iter().map(|word| word.to_string_lossy().into_owned());
        let program = words.next().unwrap_or_default();
        let result = match words.next() {
            Some(action) => self.do_action(&action),
            None => Err(ServiceRunnerError::InvalidAction { action: None }),
        };
        outcome::service(result.map_err(|error| (usage(&program, &error), error)))
    }

    fn start(&self) -> Result<Served, ServiceRunnerError> {
        let failed = |source| ServiceRunnerError::StartFailure { source, pidfile: self.pidfile.clone() };
        match self.daemon.start().map_err(failed)? {
            Start::Ready { pid } => Ok(Served::Started { pid }),
            Start::Ended => Ok(Served::Ended),
            Start::Ran { code, .. } => Ok(Served::Ran { code }),
            Start::AlreadyRunning { pid } => Err(failed(Error::AlreadyRunning { pid })),
        }
    }

    fn stop(&self) -> Result<Served, ServiceRunnerError> {
        let failed = |source| ServiceRunnerError::StopFailure { source, pidfile: self.pidfile.clone() };
        match self.daemon.stop().map_err(failed)? {
            Stop::Stopped { pid } | Stop::Killed { pid, .. } => Ok(Served::Stopped { pid }),
            Stop::NotRunning => Err(failed(Error::NotRunning)),
        }
    }
}

/// The usage line, where the command line is what was wrong.
fn usage(program: &str, error: &ServiceRunnerError) -> Option<String> {
    let name = Path::new(program).file_name().map_or_else(|| program.into(), |name| name.to_string_lossy());
    let line = || format!("usage: {name} {}", ACTIONS.join("|"));
    matches!(error, ServiceRunnerError::InvalidAction { .. }).then(line)
}
