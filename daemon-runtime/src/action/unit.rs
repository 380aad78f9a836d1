//! `unit`: what a service manager needs to know of the daemon, made of the same settings.

mod file;
mod kubernetes;
mod program;
mod systemd;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::spec::expand::Template;
use crate::spec::plan::Plan;
use crate::spec::stream::Stream;
use crate::spec::{Job, Spec};

const HOME: &str = "HOME";

/// What is to be made, and for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitOptions {
    /// For which manager, and how it is to run the daemon.
    pub kind: UnitKind,
    /// Of systemd: whose manager. None means the system's where root asks or a setting needs root (`user`, `group`, `groups`,
    /// `chroot`), else the user's own.
    pub scope: Option<UnitScope>,
    /// How long the daemon may be without a sign of life (`WatchdogSec=`). None means that none are wanted: no setting
    /// says how long a worker may be at work without one.
    pub watchdog: Option<Duration>,
    /// Of Kubernetes: the image. None means the daemon's name.
    pub image: Option<String>,
    /// What follows `run` on its command line: the worker's own flags.
    pub flags: Vec<OsString>,
    /// The folder that the files are written to.
    pub output: Option<PathBuf>,
    /// Replace what stands there in their place.
    pub force: bool,
}

/// How a service manager is to run a daemon.
///
/// What follows from which setting:
///
/// | setting | systemd | Kubernetes |
/// |---|---|---|
/// | the doc comment, `about` | `Description=` | the annotation `kubernetes.io/description` |
/// | `ready`, `start_timeout` | `Type=notify`, `TimeoutStartSec=` | `startupProbe` and `readinessProbe`, which ask `status --ready`; `livenessProbe`, which asks `status` |
/// | `stop_signal` | `KillSignal=`, for the daemon alone (`KillMode=mixed`) | always SIGTERM, which asks for the shutdown too |
/// | `stop_timeout` | `TimeoutStopSec=` | `terminationGracePeriodSeconds` |
/// | `signals(SIGHUP = ...)` | `ExecReload=` | |
/// | `user` `group` `groups` | `User=` `Group=` `SupplementaryGroups=`, with `ExecStart=!` | `securityContext`, by number |
/// | `umask` | `UMask=` | by the daemon |
/// | `workdir` | `WorkingDirectory=` | `workingDir` |
/// | `stdin` `stdout` `stderr` | `StandardInput=` `StandardOutput=` `StandardError=` | the container's |
/// | `name` | the unit's, and `SyslogIdentifier=`, by which `logs` asks the journal | the names, as RFC 1123 has them |
/// | `env` | `Environment=` | `env` |
/// | `core_dumps` | `LimitCORE=` | by the daemon |
/// | `pidfile` in `/run/NAME` | `RuntimeDirectory=` | an `emptyDir` where the container is not root's and the folder is below `/run`, `/var/run` or `/tmp`; else a comment |
/// | `instances` | a template, `NAME@.service` | all of them in one container |
/// | `every` | with [`Timer`](Self::Timer) `OnUnitActiveSec=`; with `missed = "delay"` `OnUnitInactiveSec=` | a `CronJob`, where a line of cron can say it |
/// | `times` `on_error = "stop"` | no timer | refused |
/// | `initial_delay` `jitter` | with a timer `OnActiveSec=`, `RandomizedDelaySec=` | a `Deployment` |
///
/// The daemon does all of it by itself too, also what the manager has done already, which then changes nothing; and it does
/// what is not in the table: `chroot`, `close_fds`, `env_clear`, the hooks, `on_start`, `pidfile_timeout`, `settle`. A
/// `start_timeout` of 0 has no word at either and is left out; a `stop_timeout` of 0 is a microsecond at systemd, where 0 would mean for
/// ever. Paths
/// are those that the settings mean for who runs `unit`: the variables that `~` and `$VAR` stand for there are told too. They and
/// the values of `env` are for all to read.
/// systemd opens logs as root, through any link, and makes no folder for them; so one whose folder is not there yet, or not
/// root's alone, goes to the journal, which a comment says.
///
/// Who the daemon becomes is known to systemd by `User=`, and done by the daemon: that is what the `!` of `ExecStart=!` says
/// (systemd.service(5)), so that hooks before the stage `privileges`, the pidfile in `/run`, and `chroot` still are root's. Without the `!`
/// systemd does it, and the daemon finds it done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitKind {
    /// A systemd service that is there as long as the daemon.
    #[default]
    Service,
    /// Of a repeating daemon: a systemd timer, and a service for one tick ([`Action::RunOnce`](crate::Action::RunOnce)).
    Timer,
    /// A Kubernetes `CronJob` for a repeating daemon whose period a line of cron can say, else a `Deployment`.
    Kubernetes,
}

/// Whose systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitScope {
    /// The system's: `/etc/systemd/system`.
    System,
    /// The user's own: `~/.config/systemd/user`.
    User,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unit {
    /// The files, the service first.
    pub files: Vec<UnitFile>,
    /// The folder that they were written to, if they were.
    pub folder: Option<PathBuf>,
}

/// A file that a service manager reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitFile {
    /// Its name, as the manager wants it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

pub(crate) fn unit(spec: &Spec, options: &UnitOptions) -> Result<Unit, Error> {
    if matches!(*spec.job.borrow(), Job::Here) {
        return Err(Error::NoWorker);
    }
    let plan = match (spec.instances, spec.instance.get()) {
        (Some(_), None) => Plan::of_each(spec)?,
        _ => Plan::of(spec)?,
    };
    let subject = Subject { spec, plan, options };
    let files = match options.kind {
        UnitKind::Service => vec![systemd::service(&subject)?],
        UnitKind::Timer => systemd::timer(&subject)?,
        UnitKind::Kubernetes => vec![kubernetes::manifest(&subject)?],
    };
    if let Some(folder) = &options.output {
        file::write(folder, &files, options)?;
    }
    Ok(Unit { files, folder: options.output.clone() })
}

/// The daemon that a unit is made of.
struct Subject<'a> {
    spec: &'a Spec,
    plan: Plan,
    options: &'a UnitOptions,
}

impl Subject<'_> {
    /// Whether it is made for all instances at once, with a place for the number.
    fn is_template(&self) -> bool {
        self.spec.instances.is_some() && self.spec.instance.get().is_none()
    }

    /// The first paragraph of what the daemon says of itself, on one line.
    fn about(&self) -> Option<String> {
        let about = self.spec.about.as_deref().map(crate::verbs::first_paragraph).unwrap_or_default();
        let words: Vec<_> =
            about.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// The paths that were given, as they are meant here.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let spec = self.spec;
        let paths =
            [&spec.pidfile, &spec.workdir, &spec.chroot, &spec.prefix].into_iter().flatten().map(PathBuf::as_path);
        let streams = [&spec.stdin, &spec.stdout, &spec.stderr].into_iter().flatten();
        paths.chain(streams.filter_map(|stream| match stream {
            Stream::Path(path) => Some(path.as_path()),
            _ => None,
        }))
    }

    /// The variables that these paths were made of, without which they would mean something else to who runs the daemon.
    fn variables(&self) -> Vec<(String, String)> {
        let mut names: Vec<_> = self.spec.written.iter().flat_map(|(_, text)| Template::variables(text)).collect();
        let home =
            std::env::var_os(HOME).map(PathBuf::from).filter(|home| home.is_absolute() && home != Path::new("/"));
        // Also those that the program has made of it by itself.
        if home.is_some_and(|home| self.paths().any(|path| path.starts_with(&home))) {
            names.push(HOME.to_owned());
        }
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| std::env::var(&name).ok().map(|value| (name, value))).collect()
    }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Error> {
    Err(Error::NoUnit { reason: reason.into() })
}
