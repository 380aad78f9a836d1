//! Everything that can go wrong, one variant per stage, with the path, the pid and the cause.

mod harmless;
mod words;

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

pub(crate) use self::harmless::{harmless, harmless_lines, shown};
pub(crate) use self::words::{seconds, signal_name, within, words};

/// Why an action did not do what was asked.
///
/// The text of an error ([`Display`](std::fmt::Display)) is one or more whole sentences for the person at the terminal: what
/// failed, on which path or pid, why in words, and what to do. [`std::error::Error::source`] gives the system's error
/// where there is one. Its `Debug` is the same text, so that a `main` that returns a `Result` tells it in words.
#[non_exhaustive]
pub enum Error {
    /// A setting has a value that cannot be.
    Setting {
        /// The key, as it stands in the attribute and in the builder.
        key: &'static str,
        /// The value that was given.
        value: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
    /// The process has more than one thread, so that forking it would be unsound.
    Threads {
        /// How many threads there are; 0 where that cannot be found out.
        count: usize,
    },
    /// `on_start` refused the start.
    OnStart {
        /// What it said.
        text: String,
    },
    /// A folder could not be made or opened.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// What stands in the place of the pidfile or of the claim is not what belongs there.
    Foreign {
        /// The path.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The claim, the lock beside the pidfile, could not be taken.
    Claim {
        /// The claim's path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The claim is held, yet no daemon vouches for it, and the time to wait for it is over.
    ClaimHeld {
        /// The claim's path.
        path: PathBuf,
        /// The processes that hold it, as far as they can be seen.
        by: Vec<i32>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A standard stream could not be opened or put in its place.
    Stream {
        /// `stdin`, `stdout` or `stderr`.
        stream: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The view of `status --watch` could not be drawn on the terminal.
    Terminal {
        /// The system's error.
        source: io::Error,
    },
    /// The start-up channel between launcher and daemon could not be made.
    Channel {
        /// The system's error.
        source: io::Error,
    },
    /// A fork failed, or the new session could not be made.
    Detach {
        /// Which step.
        step: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// Core dumps could not be turned off.
    CoreDumps {
        /// The system's error.
        source: io::Error,
    },
    /// The root directory could not be changed.
    Chroot {
        /// The directory that was to become the root.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The daemon could not become the user, or could have become root again.
    Privileges {
        /// Who it was to become.
        account: String,
        /// The system's error.
        source: io::Error,
    },
    /// The environment was to be changed in a process with more than one thread, where another could be reading it.
    EnvironmentShared {
        /// How many threads there are; 0 where that cannot be found out.
        count: usize,
    },
    /// A hook before or after a stage refused, or panicked.
    Hook {
        /// Which hook, as it stands in the attribute: `before(STAGE)` or `after(STAGE)`.
        hook: String,
        /// What it said.
        text: String,
    },
    /// An action of the program's own failed.
    Action {
        /// The action.
        name: String,
        /// What it said.
        text: String,
    },
    /// The daemon has no worker: it is made by `detach()` or `launch()` only.
    NoWorker,
    /// The worker's flags have no values: one that must be given was not.
    Flags {
        /// What is wrong.
        text: String,
    },
    /// A daemon is running already, where that is no answer but a failure.
    AlreadyRunning {
        /// Its pid.
        pid: i32,
    },
    /// The program could not be begun anew.
    Anew {
        /// The program.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The program cannot be begun anew while its start is not agreed on.
    StartInProgress,
    /// The program is not begun anew once a shutdown was asked for.
    EndInProgress,
    /// This process is not the daemon, but was forked by its worker: only the daemon itself can begin the program anew.
    OfAnother,
    /// This process is a daemon already, and can be but one at a time.
    AnotherHere,
    /// The program was begun anew to be a daemon, and came to another one's start before its own.
    Astray,
    /// The working directory could not be entered.
    WorkDir {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The pidfile could not be written or put in its place.
    PidFile {
        /// The pidfile.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The record, in which a daemon tells `status` what it does, could not be made.
    Record {
        /// The record, which stands beside the pidfile.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The signal dispositions could not be set.
    Signals {
        /// The system's error.
        source: io::Error,
    },
    /// The inherited descriptors could not be closed.
    Descriptors {
        /// The system's error.
        source: io::Error,
    },
    /// The sockets that a service manager has opened for the daemon could not be taken over.
    Sockets {
        /// The system's error.
        source: io::Error,
    },
    /// The worker returned an error before it was ready.
    WorkerFailed {
        /// The worker's own words.
        text: String,
        /// The exit code.
        code: u8,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The worker panicked before it was ready.
    WorkerPanicked {
        /// The panic's text and place.
        text: String,
        /// The exit code, 101 where the panic unwinds.
        code: u8,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The daemon ended with an exit code before it was ready.
    WorkerExited {
        /// The exit code.
        code: u8,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// A signal ended the daemon before it was ready.
    WorkerKilled {
        /// The signal's number.
        signal: i32,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The daemon ended without a word, and nobody was left who could have waited for it.
    Vanished {
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The worker returned without an error, but never called `ready()`, which `ready = "notify"` asks for.
    NeverReady {
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The daemon was not ready in time; it was ended.
    StartTimeout {
        /// How long it was waited for.
        waited: Duration,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The launcher was told to stop by a signal while it waited; the daemon was ended.
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
    /// The launcher was told to stop by a signal before it had begun anything: it waited for another start or an end.
    InterruptedEarly {
        /// The signal's number.
        signal: i32,
    },
    /// The daemon could not be signalled.
    Signal {
        /// The daemon.
        pid: i32,
        /// The signal's number.
        signal: i32,
        /// The system's error.
        source: io::Error,
    },
    /// The daemon is still there after the time to stop is over.
    WouldNotStop {
        /// The daemon.
        pid: i32,
        /// How long it was waited for.
        waited: Duration,
        /// Whether SIGKILL had been sent too.
        killed: bool,
    },
    /// There is no proof who the daemon is, so nobody was signalled.
    CannotTell {
        /// The pidfile.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// `reload` needs a running daemon.
    NotRunning,
    /// Nothing in the daemon handles SIGHUP, so `reload` would have killed it.
    NotReloadable {
        /// The daemon.
        pid: i32,
    },
    /// Only a repeating daemon has ticks to begin, hold back and let go on.
    NotRepeating {
        /// What was asked of it.
        action: &'static str,
    },
    /// What the settings say cannot be said to this service manager.
    NoUnit {
        /// Why not, and what to do instead.
        reason: String,
    },
    /// A file that was asked for could not be written.
    Output {
        /// The file.
        path: PathBuf,
        /// The system's error; [`AlreadyExists`](io::ErrorKind::AlreadyExists) where there is one already.
        source: io::Error,
    },
    /// `run-now`, `pause` and `resume` need a running daemon.
    NobodyToAsk {
        /// Which of them.
        action: &'static str,
    },
    /// The daemon does not take `run-now`, `pause` or `resume`, so nothing was sent.
    Deaf {
        /// The daemon.
        pid: i32,
        /// Which of them.
        action: &'static str,
    },
    /// The tick that `run-now` has begun failed.
    TickFailed {
        /// Its number.
        number: u64,
        /// The worker's own words.
        text: String,
    },
    /// The daemon was sent what was asked of it, and the time to wait for what comes of that is over.
    Unanswered {
        /// The daemon.
        pid: i32,
        /// `run-now`, `pause` or `resume`.
        action: &'static str,
        /// How long it was waited for.
        waited: Duration,
    },
    /// What came of what was asked of the daemon cannot be told.
    Untold {
        /// The daemon.
        pid: i32,
        /// `run-now`, `pause` or `resume`.
        action: &'static str,
        /// Why not.
        reason: String,
    },
    /// The daemon has ended before anything came of what was asked of it.
    EndedMeanwhile {
        /// The daemon.
        pid: i32,
        /// `run-now`, `pause` or `resume`.
        action: &'static str,
    },
    /// What the daemon writes goes where `logs` cannot show it from.
    NoLog {
        /// Where it goes, and what to do.
        text: String,
    },
    /// A log could not be read.
    Log {
        /// The log.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// No line of a log begins with a time, so that there is no telling since when there are any.
    Undated {
        /// The log.
        path: PathBuf,
        /// How many bytes at its end were looked at, where it was not all of it.
        within: Option<u64>,
    },
    /// `journalctl`, which shows what is in the journal, could not be run, or failed.
    Journal {
        /// The command.
        command: String,
        /// The system's error, or how it ended.
        source: io::Error,
    },
    /// What was to be shown could not be written to stdout.
    Unshown {
        /// The system's error.
        source: io::Error,
    },
    /// What `/proc` tells of the daemon could not be read.
    Look {
        /// The daemon.
        pid: i32,
        /// Why not.
        reason: String,
    },
    /// There can be no handle on a process, and only through one is a process signalled.
    Handle {
        /// The system call.
        call: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    /// A signal could not be sent.
    pub(crate) fn unsent(pid: i32, signal: i32, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::Unsupported => Self::Handle { call: "pidfd_send_signal", source },
            _ => Self::Signal { pid, signal, source },
        }
    }

    /// Whether the cause is a lack of privilege (EACCES or EPERM): exit code 4.
    #[must_use]
    pub fn is_privilege(&self) -> bool {
        match self {
            Self::CannotTell { .. } => true,
            _ => self.io().is_some_and(|e| e.kind() == io::ErrorKind::PermissionDenied),
        }
    }

    fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Folder { source, .. }
            | Self::Claim { source, .. }
            | Self::Stream { source, .. }
            | Self::Terminal { source }
            | Self::Channel { source }
            | Self::Detach { source, .. }
            | Self::CoreDumps { source }
            | Self::Chroot { source, .. }
            | Self::Privileges { source, .. }
            | Self::Anew { source, .. }
            | Self::Output { source, .. }
            | Self::WorkDir { source, .. }
            | Self::PidFile { source, .. }
            | Self::Record { source, .. }
            | Self::Signals { source }
            | Self::Descriptors { source }
            | Self::Sockets { source }
            | Self::Signal { source, .. }
            | Self::Log { source, .. }
            | Self::Journal { source, .. }
            | Self::Unshown { source }
            | Self::Handle { source, .. } => Some(source),
            _ => None,
        }
    }

    /// What the worker wrote to stderr before the start failed, if anything.
    #[must_use]
    pub fn worker_stderr(&self) -> Option<&str> {
        match self {
            Self::WorkerFailed { stderr, .. }
            | Self::WorkerPanicked { stderr, .. }
            | Self::WorkerExited { stderr, .. }
            | Self::WorkerKilled { stderr, .. }
            | Self::Vanished { stderr }
            | Self::NeverReady { stderr }
            | Self::StartTimeout { stderr, .. } => Some(stderr.as_str()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.io().map(|e| e as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_by_the_kernel_is_a_lack_of_privilege() {
        let denied = Error::Channel { source: io::Error::from_raw_os_error(13) };
        let full = Error::Channel { source: io::Error::from_raw_os_error(28) };
        assert!(denied.is_privilege() && !full.is_privilege());
    }
}
