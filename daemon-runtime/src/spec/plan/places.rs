//! Where pidfile and streams are: as they were given, else by the Filesystem Hierarchy Standard from a prefix, else in the
//! places of whoever runs the program.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::unistd::{User, geteuid};

use super::{absolute, refuse};
use crate::error::Error;
use crate::spec::Spec;
use crate::spec::stream::{NULL, Stream};

/// The pidfile and the streams, with absolute paths.
pub(super) struct Places {
    pub(super) pidfile: PathBuf,
    pub(super) stdin: Stream,
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
}

impl Places {
    pub(super) fn of(spec: &Spec, name: &str) -> Result<Self, Error> {
        let standard = spec.prefix.as_deref().map(|prefix| Standard::of(prefix, name)).transpose()?;
        let log = |file: &str| match &standard {
            Some(Standard { logs, .. }) => logs.join(format!("{}{file}", spec.log_prefix.as_deref().unwrap_or(""))),
            None => PathBuf::from(NULL),
        };
        let stream = |key, stream: &Option<Stream>, default: PathBuf| match stream {
            Some(Stream::Open(file)) => Ok(Stream::Open(Arc::clone(file))),
            Some(Stream::Journal | Stream::Syslog) if key == "stdin" => {
                Err(refuse(key, "journal or syslog", "lines go there, and none come from there"))
            }
            Some(Stream::Journal) => Ok(Stream::Journal),
            Some(Stream::Syslog) => Ok(Stream::Syslog),
            Some(Stream::Path(path)) => absolute(key, &spec.numbered(path)).map(Stream::Path),
            None => absolute(key, &default).map(Stream::Path),
        };
        Ok(Self {
            pidfile: match (&spec.pidfile, &standard) {
                (Some(path), _) => pidfile(&spec.numbered(path))?,
                (None, Some(standard)) => standard.pidfile.clone(),
                (None, None) => default_pidfile(name)?,
            },
            stdin: stream("stdin", &spec.stdin, PathBuf::from(NULL))?,
            stdout: stream("stdout", &spec.stdout, log("out.log"))?,
            stderr: stream("stderr", &spec.stderr, log("err.log"))?,
        })
    }
}

/// What the Filesystem Hierarchy Standard says of a program that is installed below a prefix.
struct Standard {
    pidfile: PathBuf,
    logs: PathBuf,
}

impl Standard {
    fn of(prefix: &Path, name: &str) -> Result<Self, Error> {
        let prefix = absolute("prefix", prefix)?;
        let file = format!("{name}.pid");
        let (run, logs): (PathBuf, PathBuf) = match prefix.to_str() {
            // FHS 3.0 has /run where /var/run was.
            Some("/usr") => (format!("/run/{name}").into(), format!("/var/log/{name}").into()),
            Some("/usr/local") => (format!("/var/local/run/{name}").into(), format!("/var/local/log/{name}").into()),
            Some("/opt") => (format!("/var/opt/{name}/run").into(), format!("/var/opt/{name}/log").into()),
            _ => (prefix.join("run"), prefix.join("log")),
        };
        Ok(Self { pidfile: run.join(file), logs })
    }
}

/// Where the prefix puts the pidfile and the logs of a daemon of this name.
#[cfg(feature = "manual")]
pub(crate) fn places_below(spec: &Spec, name: &str) -> Option<[String; 3]> {
    let standard = Standard::of(spec.prefix.as_deref()?, name).ok()?;
    let log = |file: &str| standard.logs.join(format!("{}{file}", spec.log_prefix.as_deref().unwrap_or("")));
    Some([standard.pidfile.clone(), log("out.log"), log("err.log")].map(|path| path.display().to_string()))
}

fn pidfile(path: &Path) -> Result<PathBuf, Error> {
    let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if path.file_name().is_none() || ends_in_slash {
        return Err(refuse("pidfile", &path.to_string_lossy(), "it names a folder, not a file"));
    }
    absolute("pidfile", path)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;

    fn places(prefix: &str) -> [String; 3] {
        let daemon = Daemon::new(|| {}).name("x").prefix(prefix).log_prefix("a-").stderr("/e");
        let Ok(places) = Places::of(&daemon.spec, "x") else { panic!("refused") };
        [places.pidfile, places.stdout.path(), places.stderr.path()].map(|path| path.display().to_string())
    }

    #[test]
    fn a_prefix_leads_to_the_places_of_the_standard() {
        assert_eq!(places("/usr"), ["/run/x/x.pid", "/var/log/x/a-out.log", "/e"]);
        assert_eq!(places("/usr/local"), ["/var/local/run/x/x.pid", "/var/local/log/x/a-out.log", "/e"]);
        assert_eq!(places("/opt"), ["/var/opt/x/run/x.pid", "/var/opt/x/log/a-out.log", "/e"]);
        assert_eq!(places("/srv/x"), ["/srv/x/run/x.pid", "/srv/x/log/a-out.log", "/e"]);
    }
}
