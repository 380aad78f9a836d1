//! Spec -> Plan: defaults filled in, paths made absolute against the launch directory, what cannot be refused.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{User, geteuid};

use super::Spec;
use super::setting::{CloseFds, Detach, Readiness};
use crate::error::Error;

const NULL: &str = "/dev/null";

/// A hundred years: longer than anybody waits, and short enough to be added to any clock.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// All that the processes need to know of one daemon, with nothing left to decide.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) pidfile: PathBuf,
    pub(crate) stdin: PathBuf,
    pub(crate) stdout: PathBuf,
    pub(crate) stderr: PathBuf,
    pub(crate) workdir: PathBuf,
    pub(crate) umask: u32,
    pub(crate) core_dumps: bool,
    pub(crate) detach: Detach,
    pub(crate) close_fds: CloseFds,
    pub(crate) settle: Duration,
    pub(crate) ready: Readiness,
    pub(crate) start_timeout: Duration,
    pub(crate) stop_timeout: Duration,
    pub(crate) stop_signal: i32,
}

impl Plan {
    pub(crate) fn of(spec: &Spec) -> Result<Self, Error> {
        spec.check()?;
        let name = spec.display_name();
        check_name(&name)?;
        let pidfile = match &spec.pidfile {
            Some(path) => pidfile(path)?,
            None => default_pidfile(&name)?,
        };
        let stream = |key, path: &Option<PathBuf>| absolute(key, path.as_deref().unwrap_or(Path::new(NULL)));
        Ok(Self {
            pidfile,
            stdin: stream("stdin", &spec.stdin)?,
            stdout: stream("stdout", &spec.stdout)?,
            stderr: stream("stderr", &spec.stderr)?,
            workdir: absolute("workdir", spec.workdir.as_deref().unwrap_or(Path::new("/")))?,
            umask: spec.umask.0,
            core_dumps: spec.core_dumps,
            detach: spec.detach,
            close_fds: spec.close_fds,
            settle: spec.settle.min(FOR_EVER),
            ready: spec.ready,
            start_timeout: spec.start_timeout.min(FOR_EVER),
            stop_timeout: spec.stop_timeout.min(FOR_EVER),
            stop_signal: spec.stop_signal.0,
            name,
        })
    }

    /// The plan with other times to wait, where an action was given some.
    pub(crate) fn waiting(mut self, start: Option<Duration>, stop: Option<Duration>) -> Self {
        self.start_timeout = start.unwrap_or(self.start_timeout).min(FOR_EVER);
        self.stop_timeout = stop.unwrap_or(self.stop_timeout).min(FOR_EVER);
        self
    }
}

impl Spec {
    /// The name that was given, or the program's file name.
    pub(crate) fn display_name(&self) -> String {
        self.name.clone().unwrap_or_else(program_name)
    }
}

fn program_name() -> String {
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

fn pidfile(path: &Path) -> Result<PathBuf, Error> {
    let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if path.file_name().is_none() || ends_in_slash {
        return Err(refuse("pidfile", &path.to_string_lossy(), "it names a folder, not a file"));
    }
    absolute("pidfile", path)
}

/// Relative paths mean the directory that the program was launched in: the daemon's own is another.
fn absolute(key: &'static str, path: &Path) -> Result<PathBuf, Error> {
    let told = path.to_string_lossy();
    if path.starts_with("~") {
        return Err(refuse(key, &told, "`~` is expanded in the attributes' literals and by `expand(...)` only"));
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(refuse(key, &told, "a path has no NUL"));
    }
    std::path::absolute(path).map_err(|e| refuse(key, &told, &crate::error::words(&e)))
}

/// `/run` for root, else the user's runtime directory, else the user's state directory: all of them the user's alone,
/// because in a folder that others may write, another could put something in the pidfile's place.
fn default_pidfile(name: &str) -> Result<PathBuf, Error> {
    let file = format!("{name}.pid");
    if geteuid().is_root() {
        return Ok(Path::new("/run").join(file));
    }
    if let Some(runtime) = absolute_variable("XDG_RUNTIME_DIR").filter(|dir| is_ours_alone(dir)) {
        return Ok(runtime.join(file));
    }
    let state = absolute_variable("XDG_STATE_HOME").or_else(|| home().map(|home| home.join(".local/state")));
    match state {
        // One that is not there yet is made ours alone.
        Some(dir) if is_ours_alone(&dir) || !dir.exists() => Ok(dir.join(file)),
        Some(dir) => {
            let reason = format!("others may write to the state directory {}; name another", dir.display());
            Err(refuse("pidfile", "(left out)", &reason))
        }
        None => {
            let reason = "there is no XDG_RUNTIME_DIR and no home directory to put it in; name one";
            Err(refuse("pidfile", "(left out)", reason))
        }
    }
}

fn absolute_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn home() -> Option<PathBuf> {
    let from_passwd = || User::from_uid(geteuid()).ok().flatten().map(|user| user.dir);
    absolute_variable("HOME").or_else(from_passwd)
}

fn is_ours_alone(dir: &Path) -> bool {
    dir.metadata().is_ok_and(|m| m.is_dir() && m.uid() == geteuid().as_raw() && m.permissions().mode() & 0o022 == 0)
}

fn refuse(key: &'static str, value: &str, reason: &str) -> Error {
    Error::Setting { key, value: format!("{value:?}"), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;

    #[test]
    fn what_is_left_out_has_the_documented_default() {
        let plan = Plan::of(&Daemon::new(|| {}).pidfile("/x/y.pid").spec).expect("a plan");
        assert_eq!((plan.workdir, plan.stderr), (PathBuf::from("/"), PathBuf::from(NULL)));
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
