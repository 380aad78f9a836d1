//! The answers, their sentences and their exit codes: the only printing for the person at the terminal.

mod logs;
mod print;
mod status;
mod terminal;
mod ticks;
#[cfg(feature = "watch")]
mod watch;

use std::process::{ExitCode, Termination};
use std::time::Duration;

use self::print::{Stream, print};
pub(crate) use self::terminal::Terminal;
use crate::action::{Answer, Start, State, Status, StatusOptions, Stop};
use crate::error::Error;
use crate::service::failure::{Served, ServiceRunnerError};

/// What the exit codes mean, in the words of [`Outcome`].
#[cfg(any(test, feature = "manual"))]
pub(crate) const EXIT_CODES: [(&str, &str); 19] = [
    ("0", "it worked, or there was nothing to do"),
    ("1", "it failed"),
    ("1", "`status`: not running, and the pidfile left behind"),
    ("2", "the command line is wrong"),
    ("2", "`unit`: that manager has no words for what the settings say"),
    ("2", "`status --watch`: it cannot be drawn here"),
    ("3", "`reload`: nothing in the daemon handles SIGHUP"),
    ("3", "`run-now`, `pause`, `resume`: it takes none of these"),
    ("3", "`logs`: what the daemon writes goes nowhere, to syslog, or to what the program has opened itself"),
    ("3", "`status`: not running"),
    ("3", "`status --ready`: its start is not agreed on yet"),
    ("4", "privilege is lacking"),
    ("4", "`status`: no proof either way"),
    ("7", "`reload`: the daemon is not running"),
    ("7", "`run-now`, `pause`, `resume`: the daemon is not running"),
    ("1 to 255", "the start failed: the worker's own code if that is not 0, 128 + the signal that ended it, else 1"),
    ("0 to 255", "`run`: that of the worker"),
    ("0 to 255", "`run --once`: that of the tick"),
    ("128 + signal", "`status --watch`: SIGTERM, SIGHUP or SIGQUIT has ended it"),
];

/// How a dispatched action came out. It was printed already; as the value of `main` it is the exit code.
///
/// | moment | exit code |
/// |---|---|
/// | it worked, or there was nothing to do | 0 |
/// | it failed | 1 |
/// | the start failed: the worker's own code if that is not 0, 128 + the signal that ended it, else 1 | 1 to 255 |
/// | the command line is wrong | 2 |
/// | `unit`: that manager has no words for what the settings say | 2 |
/// | `reload`: nothing in the daemon handles SIGHUP | 3 |
/// | `run-now`, `pause`, `resume`: it takes none of these | 3 |
/// | `logs`: what the daemon writes goes nowhere, to syslog, or to what the program has opened itself | 3 |
/// | privilege is lacking | 4 |
/// | `reload`: the daemon is not running | 7 |
/// | `run-now`, `pause`, `resume`: the daemon is not running | 7 |
/// | `status`: not running, and the pidfile left behind | 1 |
/// | `status`: not running | 3 |
/// | `status --ready`: its start is not agreed on yet | 3 |
/// | `status`: no proof either way | 4 |
/// | `status --watch`: it cannot be drawn here | 2 |
/// | `run`: that of the worker | 0 to 255 |
/// | `run --once`: that of the tick | 0 to 255 |
/// | `status --watch`: SIGTERM, SIGHUP or SIGQUIT has ended it | 128 + signal |
///
/// The numbers are those of the LSB for init scripts.
#[derive(Debug)]
#[must_use = "its exit code is lost unless `main` returns it"]
pub struct Outcome {
    result: Result<Answer, Error>,
    code: u8,
}

impl Outcome {
    /// The answer, or why there is none.
    ///
    /// # Errors
    /// What kept the action from being done.
    pub fn into_result(self) -> Result<Answer, Error> {
        self.result
    }

    /// The exit code that `main` gives when it returns this.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl Termination for Outcome {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// Tells what the command line was answered with: help and the like on stdout, with code 0 if it got there, a mistake on stderr.
pub(crate) fn usage(text: &str, code: u8) -> Outcome {
    let code = match code {
        0 => terminal::asked_for(text),
        code => {
            print(Stream::Err, text);
            code
        }
    };
    Outcome { result: Ok(Answer::Usage), code }
}

/// A mistake as it is told everywhere.
pub(crate) fn error_line(reason: &str) -> String {
    terminal::error_line(reason)
}

/// Ends the launcher of a daemon that the caller itself became, with the truth.
#[allow(clippy::exit, reason = "the caller goes on as the daemon; there is nothing left for the launcher to do")]
pub(crate) fn leave(result: Result<(), Error>) -> ! {
    let code = match result {
        Ok(()) => 0,
        Err(error) => {
            terminal::fail(&error);
            error_code(&error)
        }
    };
    std::process::exit(i32::from(code))
}

/// Tells what several instances answered to `status`.
pub(crate) fn statuses(statuses: &[Result<Status, Error>], options: &StatusOptions) -> Outcome {
    let codes: Vec<u8> =
        statuses.iter().map(|status| status.as_ref().map_or_else(error_code, |s| state_code(&s.state))).collect();
    let known = statuses.iter().flatten();
    if options.json {
        let objects: Vec<_> = known.map(|known| status::json(known, &options.fields)).collect();
        print(Stream::Out, &format!("{}\n", serde_json::Value::from(objects)));
    } else {
        known.for_each(|known| print(Stream::Out, &format!("{}\n", status::text(known, &options.fields))));
    }
    statuses.iter().filter_map(|status| status.as_ref().err()).for_each(terminal::fail);
    all(&codes)
}

/// Shows it on the terminal, looking so often, until the person there has seen enough.
pub(crate) fn watch(options: &StatusOptions, every: Duration, look: watch::Look<'_>) -> Outcome {
    watch::watch(options, every, look)
}

/// There is none.
#[cfg(not(feature = "watch"))]
mod watch {
    use super::{Duration, Error, Outcome, Status, StatusOptions};

    pub(super) type Look<'a> = &'a mut dyn FnMut() -> Vec<Result<Status, Error>>;

    pub(super) fn watch(_: &StatusOptions, _: Duration, _: Look<'_>) -> Outcome {
        let reason = "`--watch` needs the feature `watch` of daemon-runtime, which this program was built without";
        super::usage(&super::error_line(reason), 2)
    }
}

/// Of several instances: 0 if all went well, else the first other code.
pub(crate) fn all(codes: &[u8]) -> Outcome {
    let code = codes.iter().copied().find(|code| *code != 0).unwrap_or(0);
    Outcome { result: Ok(Answer::All), code }
}

/// Tells how an action of a service came out; the usage line where it was no action.
pub(crate) fn service(result: Result<Served, (Option<String>, ServiceRunnerError)>) -> Outcome {
    let (text, code, result) = match result {
        Ok(Served::Started { pid }) => {
            (format!("started with pid {pid}\n"), 0, Ok(Answer::Start(Start::Ready { pid })))
        }
        Ok(Served::Ended) => (String::new(), 0, Ok(Answer::Start(Start::Ended))),
        Ok(Served::Ran { code }) => (String::new(), code, Ok(Answer::Start(Start::Ran { code, ready: true }))),
        Ok(Served::Stopped { pid }) => (String::new(), 0, Ok(Answer::Stop(Stop::Stopped { pid }))),
        Err((Some(usage), _)) => (format!("{usage}\n"), 2, Ok(Answer::Usage)),
        Err((None, error)) => {
            terminal::tell_error(&error, error.worker_stderr());
            let (ServiceRunnerError::StartFailure { source, .. } | ServiceRunnerError::StopFailure { source, .. }) =
                error
            else {
                return Outcome { result: Ok(Answer::Usage), code: 2 };
            };
            let code = if matches!(source, Error::NotRunning) { 1 } else { error_code(&source) };
            (String::new(), code, Err(source))
        }
    };
    print(Stream::Err, &text);
    Outcome { result, code }
}

fn error_code(error: &Error) -> u8 {
    match error {
        Error::WorkerFailed { code, .. } | Error::WorkerPanicked { code, .. } | Error::WorkerExited { code, .. } => {
            (*code).max(1)
        }
        Error::WorkerKilled { signal, .. } | Error::Interrupted { signal } | Error::InterruptedEarly { signal } => {
            u8::try_from(128 + signal).unwrap_or(1)
        }
        Error::NoUnit { .. } => 2,
        Error::NotReloadable { .. } | Error::Deaf { .. } | Error::NoLog { .. } => 3,
        Error::NotRunning | Error::NobodyToAsk { .. } => 7,
        error if error.is_privilege() => 4,
        _ => 1,
    }
}

/// The exit code of `status`; LSB, "status".
fn state_code(state: &State) -> u8 {
    match state {
        State::Running(_) => 0,
        State::Dead { .. } => 1,
        State::NotRunning | State::Starting { .. } => 3,
        State::Unknown { .. } => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_manual_page_says() {
        let source = include_str!("outcome.rs");
        let rows = source.lines().filter(|line| line.starts_with("/// | ") && !line.contains("exit code |")).count();
        assert_eq!(rows, EXIT_CODES.len());
        for (code, when) in EXIT_CODES {
            assert!(source.contains(&format!("/// | {when} | {code} |\n")), "{when}");
        }
    }

    #[test]
    fn exit_codes_are_those_of_the_table() {
        let exited = Error::WorkerExited { code: 42, stderr: String::new() };
        let killed = Error::WorkerKilled { signal: 9, stderr: String::new() };
        let denied = Error::Channel { source: std::io::Error::from_raw_os_error(1) };
        let codes = [exited, killed, denied, Error::NotRunning, Error::Threads { count: 2 }];
        assert_eq!(codes.map(|e| error_code(&e)), [42, 137, 4, 7, 1]);
    }
}
