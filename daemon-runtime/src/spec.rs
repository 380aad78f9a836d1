//! What a daemon is asked to be: the builder, and the plain data behind it.

pub(crate) mod account;
mod builder;
pub(crate) mod expand;
#[cfg(feature = "cli")]
pub(crate) mod flags;
pub(crate) mod hook;
pub(crate) mod order;
pub(crate) mod plan;
pub(crate) mod setting;
pub(crate) mod signal;
pub(crate) mod stage;
pub(crate) mod stream;
pub(crate) mod worker;

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use self::account::Account;
pub use self::builder::Daemon;
#[cfg(feature = "cli")]
pub(crate) use self::flags::Flags;
use self::hook::{Hook, OnShutdown, When};
use self::order::Order;
use self::setting::{CloseFds, Detach, Missed, OnError, Output, Readiness, Umask};
use self::signal::{Signal, SignalAction};
use self::stage::Stage;
use self::stream::Stream;
use self::worker::{Body, Worker};
use crate::error::Error;
use crate::pidfile::PidFile;

/// What was asked for, as it was asked for; [`plan::Plan`] is what follows from it.
pub(crate) struct Spec {
    /// Which of the program's daemons it is, in the order in which they were made: another image of the program makes them in
    /// the same order.
    pub(crate) ordinal: u32,
    pub(crate) job: RefCell<Job>,
    pub(crate) name: Option<String>,
    pub(crate) about: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) pidfile: Option<PathBuf>,
    pub(crate) stdin: Option<Stream>,
    pub(crate) stdout: Option<Stream>,
    pub(crate) stderr: Option<Stream>,
    pub(crate) output: Output,
    pub(crate) prefix: Option<PathBuf>,
    pub(crate) log_prefix: Option<String>,
    pub(crate) workdir: Option<PathBuf>,
    pub(crate) chroot: Option<PathBuf>,
    pub(crate) user: Option<Account>,
    pub(crate) group: Option<Account>,
    pub(crate) groups: Option<Vec<Account>>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) env_clear: bool,
    pub(crate) umask: Umask,
    pub(crate) core_dumps: bool,
    pub(crate) detach: Detach,
    pub(crate) close_fds: CloseFds,
    pub(crate) preserve_fds: Vec<RawFd>,
    pub(crate) pidfile_timeout: Duration,
    pub(crate) settle: Duration,
    pub(crate) ready: Readiness,
    pub(crate) start_timeout: Duration,
    pub(crate) stop_timeout: Duration,
    pub(crate) stop_signal: Signal,
    pub(crate) signals: Vec<(i32, SignalAction)>,
    pub(crate) on_start: Option<Hook>,
    pub(crate) on_shutdown: Option<OnShutdown>,
    pub(crate) hooks: Vec<(When, Stage, Hook)>,
    pub(crate) actions: Vec<CustomAction>,
    pub(crate) instances: Option<u32>,
    /// Which of the instances is meant.
    pub(crate) instance: Cell<Option<u32>>,
    /// The worker's own flags on the command line, if it takes any.
    pub(crate) flags: Option<Flags>,
    /// A claim that was taken already, for the next start.
    pub(crate) claim: RefCell<Option<PidFile>>,
    pub(crate) refused: Vec<(&'static str, String, String)>,
    /// Paths as they were written, by their keys, where `~` and variables stand in them.
    pub(crate) written: Vec<(&'static str, String)>,
}

/// What the daemon does.
pub(crate) enum Job {
    /// One call of the worker.
    Once(Worker),
    /// The body again and again.
    Repeat { timetable: Timetable, on_error: OnError, body: Body },
    /// What follows in the caller's own code.
    Here,
    /// Another program.
    Program { program: OsString, args: Vec<OsString> },
}

impl Job {
    /// Whether it ends by itself when a shutdown is asked for.
    pub(crate) fn waits_for_shutdown(&self) -> bool {
        match self {
            Self::Once(worker) => worker.sees_context,
            Self::Repeat { .. } | Self::Program { .. } => true,
            Self::Here => false,
        }
    }
}

/// An action of the program's own.
pub(crate) struct CustomAction {
    /// As it stands on the command line.
    pub(crate) name: String,
    pub(crate) about: Option<String>,
    pub(crate) hook: Hook,
}

impl CustomAction {
    /// Its help.
    pub(crate) fn about(&self) -> &str {
        self.about.as_deref().unwrap_or("An action of this program's own")
    }
}

/// Flags of the worker's own, of which there are none where nothing reads a command line.
#[cfg(not(feature = "cli"))]
pub(crate) enum Flags {}

#[cfg(not(feature = "cli"))]
impl Flags {
    pub(crate) fn take_defaults(&self) -> Result<(), String> {
        match *self {}
    }
}

/// The actions that every daemon has.
pub(crate) const ACTIONS: [&str; 6] = ["start", "stop", "restart", "reload", "status", "run"];

/// Another one, unless the program has an action of that name.
pub(crate) const LOGS: &str = "logs";

/// Another one like that.
pub(crate) const UNIT: &str = "unit";

/// The words, beside `help`, that ask nothing of a daemon, and describe the command line itself: with the feature `manual`.
pub(crate) const MANUAL: [&str; 2] = ["completions", "man"];

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
            _ => self.refuse_repeat_key(key),
        }
    }

    fn job_timetable(&mut self) -> Option<&Timetable> {
        match self.job.get_mut() {
            Job::Repeat { timetable, .. } => Some(timetable),
            _ => None,
        }
    }

    /// Why no action can have this name, if none can.
    fn why_not_action(&self, name: &str) -> Option<String> {
        if ACTIONS.contains(&name) || name == "help" {
            return Some(format!("`{name}` is an action that every daemon has"));
        }
        if self.actions.iter().any(|action| action.name == name) {
            return Some(format!("there are two actions `{name}`"));
        }
        let is_plain =
            !name.is_empty() && !name.starts_with('-') && name.chars().all(|c| c.is_alphanumeric() || c == '-');
        (!is_plain).then(|| "an action's name has letters, digits and underscores".to_owned())
    }

    /// The actions that it has without any of the program's own: also `logs` and `unit`, and a repeating daemon those by which it
    /// is asked for something while it runs, unless the program has an action of that name.
    pub(crate) fn verbs(&self) -> impl Iterator<Item = &'static str> {
        let is_own = |word: &str| self.actions.iter().any(|action| action.name == word);
        let orders = if self.repeats() { &Order::ALL[..] } else { &[] };
        let others = [LOGS, UNIT].into_iter().chain(orders.iter().map(|order| order.word()));
        ACTIONS.into_iter().chain(others.filter(move |word| !is_own(word)))
    }

    /// The words that describe the command line, unless the program has an action of that name.
    pub(crate) fn manual(&self) -> impl Iterator<Item = &'static str> {
        MANUAL.into_iter().filter(|word| self.actions.iter().all(|action| action.name != *word))
    }

    /// Whether it is a repeating daemon.
    pub(crate) fn repeats(&self) -> bool {
        matches!(*self.job.borrow(), Job::Repeat { .. })
    }

    /// The first setting that cannot be, as an error.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_all_but(&[])
    }

    /// The same, but for these keys.
    pub(crate) fn check_all_but(&self, others: &[&str]) -> Result<(), Error> {
        match self.refused.iter().find(|(key, ..)| !others.contains(key)) {
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
