//! Spec -> Plan: defaults filled in, paths made absolute against the launch directory, what cannot be refused.

mod instances;
mod places;

use std::ffi::OsString;
use std::io;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use self::instances::{NUMBER, numbered_path};
use self::places::Places;
#[cfg(feature = "manual")]
pub(crate) use self::places::places_below;
use super::account::Account;
use super::setting::{CloseFds, Detach, Output, Readiness};
use super::signal::SignalAction;
use super::stream::{NULL, Stream};
use super::{Job, Spec};
use crate::error::Error;
use crate::process::relay::Which;

/// A hundred years: longer than anybody waits, and short enough to be added to any clock.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// All that the processes need to know of one daemon, with nothing left to decide.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) instance: Option<u32>,
    pub(crate) ordinal: u32,
    pub(crate) pidfile: PathBuf,
    pub(crate) stdin: Stream,
    pub(crate) stdout: Stream,
    pub(crate) stderr: Stream,
    pub(crate) output: Output,
    pub(crate) workdir: PathBuf,
    pub(crate) chroot: Option<PathBuf>,
    pub(crate) user: Option<Account>,
    pub(crate) group: Option<Account>,
    pub(crate) groups: Option<Vec<Account>>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) env_clear: bool,
    pub(crate) preserve_fds: Vec<RawFd>,
    pub(crate) pidfile_timeout: Duration,
    pub(crate) umask: u32,
    pub(crate) core_dumps: bool,
    pub(crate) detach: Detach,
    pub(crate) close_fds: CloseFds,
    pub(crate) settle: Duration,
    pub(crate) ready: Readiness,
    pub(crate) start_timeout: Duration,
    pub(crate) stop_timeout: Duration,
    pub(crate) stop_signal: i32,
    /// Whether the work is another program.
    pub(crate) is_program: bool,
}

impl Plan {
    pub(crate) fn of(spec: &Spec) -> Result<Self, Error> {
        spec.check()?;
        let name = spec.display_name();
        check_name(&name)?;
        instances::check(spec)?;
        Self::here(spec, name)
    }

    /// The plan that all instances have in common: where each has its number, `{n}` stands.
    pub(crate) fn of_each(spec: &Spec) -> Result<Self, Error> {
        spec.check()?;
        let name = instances::template_name(&spec.display_name());
        check_name(&name)?;
        instances::check_pidfile(spec)?;
        Self::here(spec, name)
    }

    fn here(spec: &Spec, name: String) -> Result<Self, Error> {
        let places = Places::of(spec, &name)?;
        let workdir = spec.numbered(spec.workdir.as_deref().unwrap_or(Path::new("/")));
        Self::with(spec, name, places, absolute("workdir", &workdir)?)
    }

    /// The plan in an image of the program that was begun anew: where things are was found out by the one before.
    pub(crate) fn handed(
        spec: &Spec,
        pidfile: PathBuf,
        workdir: PathBuf,
        chroot: Option<PathBuf>,
        logs: [Option<PathBuf>; 2],
    ) -> Result<Self, Error> {
        spec.check_all_but(&["pidfile", "stdin", "stdout", "stderr", "workdir", "chroot", "prefix"])?;
        let stream = |path: Option<PathBuf>| Stream::of_named(path.unwrap_or_else(|| NULL.into()));
        let [stdout, stderr] = logs.map(stream);
        let places = Places { pidfile, stdin: stream(None), stdout, stderr };
        Ok(Self { chroot, ..Self::with(spec, spec.display_name(), places, workdir)? })
    }

    fn with(spec: &Spec, name: String, places: Places, workdir: PathBuf) -> Result<Self, Error> {
        check_signals(spec)?;
        check_program(spec)?;
        let Places { pidfile, stdin, stdout, stderr } = places;
        Ok(Self {
            pidfile,
            stdin,
            stdout,
            stderr,
            output: spec.output,
            workdir,
            chroot: spec.chroot.as_deref().map(|path| absolute("chroot", path)).transpose()?,
            user: spec.user.clone(),
            group: spec.group.clone(),
            groups: spec.groups.clone(),
            env: spec.env.clone(),
            env_clear: spec.env_clear,
            preserve_fds: spec.preserve_fds.clone(),
            pidfile_timeout: spec.pidfile_timeout.min(FOR_EVER),
            umask: spec.umask.0,
            core_dumps: spec.core_dumps,
            detach: spec.detach,
            close_fds: spec.close_fds,
            settle: spec.settle.min(FOR_EVER),
            ready: spec.ready,
            start_timeout: spec.start_timeout.min(FOR_EVER),
            stop_timeout: spec.stop_timeout.min(FOR_EVER),
            stop_signal: spec.stop_signal.0,
            is_program: matches!(*spec.job.borrow(), Job::Program { .. }),
            instance: spec.instance.get(),
            ordinal: spec.ordinal,
            name,
        })
    }

    /// How what is written to a stream comes to where it goes: to the system's log only through a relay.
    pub(crate) fn output_of(&self, which: Which) -> Output {
        if self.syslog(which).is_some() { Output::Relayed } else { self.output }
    }

    /// The daemon's name, where a stream goes to the system's log.
    pub(crate) fn syslog(&self, which: Which) -> Option<String> {
        let stream = match which {
            Which::Out => &self.stdout,
            Which::Err => &self.stderr,
        };
        matches!(stream, Stream::Syslog).then(|| self.name.clone())
    }

    /// Whom the daemon is to become, in words.
    pub(crate) fn account(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("user {user}"));
        let group = self.group.as_ref().map(|group| format!("group {group}"));
        let told: Vec<_> = user.into_iter().chain(group).collect();
        if told.is_empty() { "a member of other groups".to_owned() } else { told.join(", ") }
    }

    /// Whether it says whom the daemon becomes.
    pub(crate) fn names_account(&self) -> bool {
        self.user.is_some() || self.group.is_some() || self.groups.is_some()
    }

    /// The plan with other times to wait, where an action was given some.
    pub(crate) fn waiting(mut self, start: Option<Duration>, stop: Option<Duration>) -> Self {
        self.start_timeout = start.unwrap_or(self.start_timeout).min(FOR_EVER);
        self.stop_timeout = stop.unwrap_or(self.stop_timeout).min(FOR_EVER);
        self
    }
}

impl Spec {
    /// The name that was given, or the program's file name; with the number of the instance that is meant, if one is.
    pub(crate) fn display_name(&self) -> String {
        let name = self.name.clone().unwrap_or_else(program_name);
        instances::numbered_name(&name, self.instance.get().filter(|_| self.instances.is_some()))
    }

    /// The unit that `unit` makes of it, as journalctl(1) takes it; all of a template where no instance was chosen.
    pub(crate) fn unit(&self) -> String {
        let name = self.name.clone().unwrap_or_else(program_name);
        match (self.instances, self.instance.get()) {
            (None, _) => name,
            (Some(_), None) => format!("'{name}@*'"),
            (Some(_), Some(number)) => format!("{name}@{number}"),
        }
    }

    /// A path of the instance that is meant.
    fn numbered(&self, path: &Path) -> PathBuf {
        numbered_path(path, self.instance.get().filter(|_| self.instances.is_some()))
    }
}

// Another program knows nothing of us: it cannot say that it is ready, and its end must be there to be waited for.
fn check_program(spec: &Spec) -> Result<(), Error> {
    if !matches!(*spec.job.borrow(), Job::Program { .. }) {
        return Ok(());
    }
    if spec.ready == Readiness::Notify {
        return Err(refuse("ready", "notify", "another program cannot call `ready()`: leave it at \"auto\""));
    }
    let ignored = |(signal, action): &(i32, SignalAction)| {
        *signal == nix::libc::SIGCHLD && matches!(action, SignalAction::Ignore)
    };
    if spec.signals.iter().any(ignored) {
        return Err(refuse("signals", "SIGCHLD", "ignored, it would hide the end of the program"));
    }
    if spec.output == Output::Direct && spec.signals.iter().any(|(_, action)| matches!(action, SignalAction::Reopen)) {
        let reason =
            "another program has its streams from its start; with `output = \"relayed\"` its logs can be opened again";
        return Err(refuse("signals", "reopen", reason));
    }
    Ok(())
}

// The signal that `stop` sends must end the daemon, or `stop` would be a lie.
fn check_signals(spec: &Spec) -> Result<(), Error> {
    let stop = spec.signals.iter().find(|(signal, _)| *signal == spec.stop_signal.0);
    match stop {
        None | Some((_, SignalAction::Terminate)) => Ok(()),
        Some((signal, _)) => Err(Error::Setting {
            key: "signals",
            value: crate::error::signal_name(*signal),
            reason:
                "it is the signal that `stop` sends, so it can only be \"terminate\"; or name another `stop_signal`"
                    .to_owned(),
        }),
    }
}

pub(crate) fn program_name() -> String {
    let program = std::env::args_os().next().map(PathBuf::from).or_else(|| std::env::current_exe().ok());
    let name = program.as_deref().and_then(Path::file_name);
    name.map_or_else(|| "daemon".to_owned(), |n| n.to_string_lossy().into_owned())
}

// The name becomes part of messages, and of a file's name.
fn check_name(name: &str) -> Result<(), Error> {
    let reason = match name {
        "" => "a name has at least one character",
        "." | ".." => "it must be able to be a file's name",
        _ if name.contains(['/', '\0']) => "it must be able to be a file's name, so it has no `/`",
        _ if name.contains(char::is_control) => "it has no control characters",
        _ => return Ok(()),
    };
    Err(refuse("name", name, reason))
}

/// Relative paths mean the directory that the program was launched in: the daemon's own is another.
pub(super) fn absolute(key: &'static str, path: &Path) -> Result<PathBuf, Error> {
    let told = path.to_string_lossy();
    if path.starts_with("~") {
        return Err(refuse(key, &told, "`~` is expanded in the attributes' literals and by `expand(...)` only"));
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(refuse(key, &told, "a path has no NUL"));
    }
    std::path::absolute(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => refuse(key, &told, "the directory that it is relative to does not exist any more"),
        _ => refuse(key, &told, &crate::error::words(&e)),
    })
}

pub(super) fn refuse(key: &'static str, value: &str, reason: &str) -> Error {
    Error::Setting { key, value: format!("{value:?}"), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;

    #[test]
    fn what_is_left_out_has_the_documented_default() {
        let plan = Plan::of(&Daemon::new(|| {}).pidfile("/x/y.pid").spec).expect("a plan");
        assert_eq!((plan.workdir, plan.stderr.path()), (PathBuf::from("/"), PathBuf::from(NULL)));
        assert_eq!((plan.umask, plan.core_dumps, plan.stop_signal), (0o027, false, 15));
        assert_eq!((plan.settle.as_secs(), plan.start_timeout.as_secs(), plan.stop_timeout.as_secs()), (1, 30, 10));
    }

    #[test]
    fn a_time_beyond_all_bounds_is_for_ever() {
        let plan = Plan::of(&Daemon::new(|| {}).pidfile("/x/y.pid").settle(Duration::MAX).spec).expect("a plan");
        let plan = plan.waiting(Some(Duration::MAX), None);
        assert!(std::time::Instant::now().checked_add(plan.settle + plan.start_timeout).is_some());
    }

    #[test]
    fn a_relative_path_means_the_launch_directory() {
        let plan = Plan::of(&Daemon::new(|| {}).pidfile("x.pid").spec).expect("a plan");
        assert_eq!(plan.pidfile, std::env::current_dir().expect("a directory").join("x.pid"));
    }

    #[test]
    fn a_value_that_cannot_be_is_told_by_its_key() {
        let told = |daemon: Daemon| Plan::of(&daemon.spec).expect_err("refused").to_string();
        assert!(told(Daemon::new(|| {}).name("a/b")).starts_with("`name = \"a/b\"`"));
        assert!(told(Daemon::new(|| {}).pidfile("/run/")).contains("names a folder"));
        assert!(told(Daemon::new(|| {}).pidfile("~/x.pid")).contains("expand"));
        assert!(told(Daemon::new(|| {}).settle("soon")).starts_with("`settle = \"soon\"`"));
        assert!(told(Daemon::new(|| {}).times(3)).contains("repeating daemon"));
        assert!(told(Daemon::repeat("0s", || {})).contains("longer than nothing"));
    }
}
