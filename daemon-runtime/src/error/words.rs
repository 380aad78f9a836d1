//! The sentences of the errors.

use std::path::Path;
use std::time::Duration;
use std::{fmt, io};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};

use super::{Error, shown};

impl fmt::Display for Error {
    #[allow(clippy::too_many_lines, reason = "a sentence for each, and the compiler sees that none is missing")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { key, value, reason } => write!(f, "`{key} = {value}` cannot be: {reason}"),
            Self::Threads { count: 0 } => f.write_str(
                "how many threads this process has cannot be found out without /proc and unshare(2), and only one with one \
                 thread can be forked; mount /proc, or start the program anew with `detach = \"exec\"`",
            ),
            Self::Threads { count } => write!(
                f,
                "this process has {count} threads, and a fork would take only one of them along; \
                 call the daemon before any thread is started, or start the program anew with `detach = \"exec\"`"
            ),
            Self::OnStart { text } => write!(f, "on_start refused: {text}"),
            Self::Folder { path, source } => write!(f, "cannot open the folder {}: {}", shown(path), words(source)),
            Self::Foreign { path, found } => {
                write!(f, "{} {found}; move it away, or name another pidfile", shown(path))
            }
            Self::Claim { path, source } => write!(f, "cannot lock {}: {}", shown(path), words(source)),
            Self::ClaimHeld { path, by, waited } => write!(
                f,
                "{} held {} for {}, yet no daemon vouches for it: a start that hangs, or a child that outlived its daemon; \
                 `stop --force` ends what is left of a daemon",
                holders(by),
                shown(path),
                seconds(*waited)
            ),
            Self::Stream { stream, path, source } => {
                write!(f, "cannot open {} for {stream}: {}", shown(path), words(source))
            }
            Self::Terminal { source } => write!(f, "cannot draw on the terminal: {}", words(source)),
            Self::Channel { source } => write!(f, "cannot make the start-up channel: {}", words(source)),
            Self::Detach { step, source } => write!(f, "{step} failed: {}", words(source)),
            Self::CoreDumps { source } => write!(f, "cannot turn core dumps off: {}", words(source)),
            Self::Chroot { path, source } => {
                write!(f, "cannot make {} the root directory: {}", shown(path), words(source))
            }
            Self::Privileges { account, source } => write!(f, "cannot become {account}: {}", words(source)),
            Self::EnvironmentShared { count: 0 } => f.write_str(
                "how many threads this process has cannot be found out without /proc and unshare(2), and the environment \
                 can be changed only where there is one; mount /proc, or leave out `env`, `env_clear` and `user`",
            ),
            Self::EnvironmentShared { count } => write!(
                f,
                "the environment cannot be changed while one of {count} threads could be reading it; call the daemon before \
                 any thread is started, or leave out `env`, `env_clear` and `user`"
            ),
            Self::Hook { hook, text } => write!(f, "{hook}: {text}"),
            Self::NoWorker => f.write_str("this daemon has no worker to run; `detach()` or `launch()` makes it"),
            Self::AlreadyRunning { pid } => write!(f, "already running with pid {pid}"),
            Self::StartInProgress => {
                f.write_str("the start is not over yet: a reload is possible once the daemon is ready")
            }
            Self::EndInProgress => f.write_str("a shutdown was asked for, so there is nothing to reload"),
            Self::OfAnother => f.write_str(
                "this process was forked by the daemon's worker: only the daemon itself can begin the program anew",
            ),
            Self::AnotherHere => f.write_str("this process is a daemon already, and can be but one at a time"),
            Self::Astray => f.write_str(
                "this program was begun anew to become a daemon, and did not come to the same call: what leads to it must be \
                 the same whenever the program runs with the same arguments",
            ),
            Self::Anew { path, source } => write!(f, "cannot begin {} anew: {}", shown(path), words(source)),
            Self::WorkDir { path, source } => {
                write!(f, "cannot enter the working directory {}: {}", shown(path), words(source))
            }
            Self::PidFile { path, source } => {
                write!(f, "cannot write the pidfile {}: {}", shown(path), words(source))
            }
            Self::Record { path, source } => write!(f, "cannot make the record {}: {}", shown(path), words(source)),
            Self::Signals { source } => write!(f, "cannot set up the signals: {}", words(source)),
            Self::Descriptors { source } => write!(f, "cannot close the inherited descriptors: {}", words(source)),
            Self::Sockets { source } => {
                write!(f, "cannot take over the sockets of the service manager: {}", words(source))
            }
            Self::WorkerFailed { text, .. }
            | Self::Action { text, .. }
            | Self::Flags { text }
            | Self::NoLog { text } => f.write_str(text),
            Self::WorkerPanicked { text, .. } => write!(f, "the worker panicked: {text}"),
            Self::WorkerExited { code, .. } => write!(f, "the worker ended with exit code {code} before it was ready"),
            Self::WorkerKilled { signal, .. } => {
                write!(f, "{} ended the daemon before it was ready", signal_name(*signal))
            }
            Self::Vanished { .. } => {
                f.write_str("the daemon ended, or let go of its claim, before it was ready and without a word")
            }
            Self::NeverReady { .. } => f.write_str("the worker ended without ever calling `ready()`"),
            Self::StartTimeout { waited, .. } => write!(
                f,
                "the daemon was not ready within {}, and was ended; `--timeout` or `start_timeout` gives it longer",
                seconds(*waited)
            ),
            Self::Interrupted { signal } => {
                write!(f, "the start was interrupted by {}, and the daemon was ended", signal_name(*signal))
            }
            Self::InterruptedEarly { signal } => write!(
                f,
                "the start was interrupted by {} while it waited for another process, and nothing was begun",
                signal_name(*signal)
            ),
            Self::Signal { pid, signal, source } => {
                write!(f, "cannot send {} to pid {pid}: {}", signal_name(*signal), words(source))
            }
            Self::WouldNotStop { pid, waited, killed: false } => write!(
                f,
                "pid {pid} is still running after {}; `--force` kills it, `--timeout` waits longer",
                seconds(*waited)
            ),
            Self::WouldNotStop { pid, waited, killed: true } => write!(
                f,
                "pid {pid} is still there after {}, though SIGKILL was sent: the kernel holds it, most often in a disk \
                 or network call",
                seconds(*waited)
            ),
            Self::CannotTell { path, reason } => {
                write!(f, "cannot tell whether the daemon of {} runs: {reason}; nobody was signalled", shown(path))
            }
            Self::NotRunning => f.write_str("not running, so there is nothing to reload"),
            Self::NotReloadable { pid } => write!(
                f,
                "pid {pid} does not handle SIGHUP, which would have killed it, so none was sent; \
                 `restart` starts it anew"
            ),
            Self::NotRepeating { action } => write!(f, "only a repeating daemon can be asked to {action}"),
            Self::NoUnit { reason } => f.write_str(reason),
            Self::Output { path, source } if source.kind() == io::ErrorKind::AlreadyExists => {
                write!(f, "{} is there already; `--force` replaces it", shown(path))
            }
            Self::Output { path, source } => write!(f, "cannot write {}: {}", shown(path), words(source)),
            Self::NobodyToAsk { action } => write!(f, "not running, so there is nobody to ask to {action}"),
            Self::Deaf { pid, action } => write!(
                f,
                "pid {pid} cannot be asked to {action} now, so nothing was sent: it is just beginning or ending, or of another \
                 version of the program, and then `restart` starts it anew"
            ),
            Self::TickFailed { number, text } => write!(f, "tick {number} failed: {text}"),
            Self::Unanswered { pid, action: "run-now", waited } => write!(
                f,
                "the tick has not ended within {}; pid {pid} goes on with it, and `status` tells how it ends",
                seconds(*waited)
            ),
            Self::Unanswered { pid, action, waited } => {
                write!(f, "pid {pid} was asked to {action} and has not answered within {}", seconds(*waited))
            }
            Self::Untold { pid, action, reason } => {
                write!(f, "pid {pid} was asked to {action}, and what came of it cannot be told: {reason}")
            }
            Self::EndedMeanwhile { pid, action } => {
                write!(f, "pid {pid} was asked to {action} and has ended meanwhile")
            }
            Self::Log { path, source } => write!(f, "cannot read the log {}: {}", shown(path), words(source)),
            Self::Undated { path, within } => write!(
                f,
                "no line {} begins with a time that `--since` could be compared with; have the worker begin its lines with one, \
                 like `2026-11-26T10:00:00Z` or `2026-11-26 10:00:00`, or ask for the last lines by `-n`",
                lines_of(path, *within)
            ),
            Self::Journal { command, source } => {
                write!(f, "cannot run `{command}`, which shows the lines that go to the journal: {}", words(source))
            }
            Self::Unshown { source } => write!(f, "cannot write to stdout: {}", words(source)),
            Self::Look { pid, reason } => write!(f, "cannot look at pid {pid}: {reason}"),
            Self::Handle { call, source } => {
                let lacking = if is_lacking(source) { WITHOUT_HANDLES } else { "" };
                write!(f, "{call} failed: {}{lacking}", words(source))
            }
        }
    }
}

const WITHOUT_HANDLES: &str = "; without it no process could be signalled for certain: it needs Linux 5.3, and a sandbox that \
                               lets it through";

/// Whether the kernel does not know the call, or a sandbox keeps it from us.
fn is_lacking(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
}

fn lines_of(path: &Path, within: Option<u64>) -> String {
    match within {
        None => format!("of {}", shown(path)),
        Some(bytes) => format!("in the last {} MiB of {}", bytes >> 20, shown(path)),
    }
}

fn holders(pids: &[i32]) -> String {
    match pids {
        [] => "another process has".to_owned(),
        [pid] => format!("pid {pid} has"),
        [pid, more @ ..] => format!("pid {pid} and {} more have", more.len()),
    }
}

/// The system's error in words, without Rust's `(os error N)`.
pub(crate) fn words(error: &io::Error) -> String {
    let whole = error.to_string();
    let text = whole.split_once(" (os error").map_or(whole.as_str(), |(text, _)| text);
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((most, _)) if error.raw_os_error() == Some(Errno::EMFILE as i32) => {
            format!("{text}: this process may have {most} (`ulimit -n`)")
        }
        _ => text.to_owned(),
    }
}

/// As much of a text as there is room for, in bytes, cut between two characters.
pub(crate) fn within(text: &str, room: usize) -> &str {
    let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// A duration as a person says it: `1s`, `2m 30s`, `1s 500ms`.
pub(crate) fn seconds(duration: Duration) -> String {
    let rounded = if duration < Duration::from_secs(1) {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    } else {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX) / 100 * 100)
    };
    humantime::format_duration(rounded).to_string()
}

/// `SIGTERM (15)`; real-time signals have no name of their own.
pub(crate) fn signal_name(signal: i32) -> String {
    match nix::sys::signal::Signal::try_from(signal) {
        Ok(known) => format!("{} ({signal})", known.as_str()),
        Err(_) => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "getrlimit(2)")]
    fn the_errno_is_told_in_words_without_its_number() {
        assert_eq!(words(&io::Error::from_raw_os_error(28)), "No space left on device");
    }

    #[test]
    fn a_signal_is_named_with_its_number() {
        assert_eq!(signal_name(15), "SIGTERM (15)");
        assert_eq!(signal_name(40), "signal 40");
    }

    #[test]
    fn waits_are_told_without_needless_digits() {
        assert_eq!(seconds(Duration::from_micros(1_000_900)), "1s");
        assert_eq!(seconds(Duration::from_millis(2_570)), "2s 500ms");
    }
}
