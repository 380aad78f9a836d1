//! What the daemon's standard streams become.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::expand::Template;
use super::setting::{IntoSetting, Setting};

/// What a standard stream becomes: the keys `stdin`, `stdout` and `stderr`.
#[derive(Debug, Clone)]
pub enum Stream {
    /// The file of this path. For output it is made if it is not there, and appended to.
    Path(PathBuf),
    /// A file, pipe, socket or terminal that the program has opened itself; it is used as it is. With `detach = "exec"`, and
    /// after a reload, the program's new image opens it again on its way to the same call.
    Open(Arc<OwnedFd>),
    /// The journal of systemd, for output: each line is an entry of the daemon's name and pid. One that begins with a priority as in
    /// `<3>no luck` has it, sd-daemon(3); others have 6, info. Given as the text `"journal"`; a file of that name is `"./journal"`.
    Journal,
    /// The system's log, for output: each line is a message to whoever listens at /dev/log, of the facility daemon, with the
    /// daemon's name and pid, and priorities as for the journal. The lines go through a thread as with `output = "relayed"`; what
    /// syslog does not take is dropped, counted, and told there. Given as the text `"syslog"`.
    Syslog,
}

/// What stands for the journal where a stream is given as text.
const JOURNAL: &str = "journal";

/// The same for the system's log.
const SYSLOG: &str = "syslog";

/// Where the system's log is heard.
pub(crate) const SYSLOG_SOCKET: &str = "/dev/log";

/// Where it takes streams.
pub(crate) const JOURNAL_SOCKET: &str = "/run/systemd/journal/stdout";

/// What a stream is that nobody has named.
pub(crate) const NULL: &str = "/dev/null";

/// Names of what the process that opens them has open already; `proc_pid_fd(5)`.
const DESCRIPTORS: [&str; 6] =
    ["/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"];

pub(crate) fn is_null(path: &Path) -> bool {
    path == Path::new(NULL)
}

/// Whether it means a descriptor of whoever opens it.
pub(crate) fn names_descriptor(path: &Path) -> bool {
    DESCRIPTORS.iter().any(|name| path.starts_with(name))
}

impl Stream {
    /// A path that another image of the program finds it by, if there is one.
    pub(crate) fn named(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Syslog => Some(Path::new(SYSLOG_SOCKET)),
            Self::Open(_) | Self::Journal => None,
        }
    }

    /// Where the daemon itself finds a log; not what lies outside of its root directory.
    pub(crate) fn log(&self, root: Option<&Path>) -> Option<PathBuf> {
        match (self, root) {
            (Self::Path(path), _) if is_null(path) => None,
            (Self::Path(path), None) => Some(path.clone()),
            (Self::Path(path), Some(root)) => Some(Path::new("/").join(path.strip_prefix(root).ok()?)),
            (Self::Open(_) | Self::Journal | Self::Syslog, _) => None,
        }
    }

    /// The other way round. The socket of the system's log is no file that could be opened.
    pub(crate) fn of_named(path: PathBuf) -> Self {
        if path == Path::new(SYSLOG_SOCKET) { Self::Syslog } else { Self::Path(path) }
    }

    /// What a text stands for, if it is no path.
    fn of_word(text: &str) -> Option<Self> {
        match text {
            JOURNAL => Some(Self::Journal),
            SYSLOG => Some(Self::Syslog),
            _ => None,
        }
    }

    /// Where it can be found; an open file by its descriptor.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Open(file) => PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())),
            Self::Journal => PathBuf::from(JOURNAL_SOCKET),
            Self::Syslog => PathBuf::from(SYSLOG_SOCKET),
        }
    }
}

impl IntoSetting<Self> for Stream {
    fn into_setting(self) -> Setting<Self> {
        Setting::Value(self)
    }
}

macro_rules! stream_from_path {
    ($($path:ty),+) => { $(
        impl IntoSetting<Stream> for $path {
            fn into_setting(self) -> Setting<Stream> { Setting::Value(Stream::Path(self.into())) }
        }
    )+ };
}

stream_from_path!(PathBuf, &PathBuf, &Path, &OsStr, OsString, &OsString);

impl IntoSetting<Stream> for &str {
    fn into_setting(self) -> Setting<Stream> {
        Setting::Value(Stream::of_word(self).unwrap_or_else(|| Stream::Path(self.into())))
    }
}

impl IntoSetting<Stream> for &String {
    fn into_setting(self) -> Setting<Stream> {
        self.as_str().into_setting()
    }
}

impl IntoSetting<Stream> for String {
    fn into_setting(self) -> Setting<Stream> {
        self.as_str().into_setting()
    }
}

impl IntoSetting<Stream> for Template {
    fn into_setting(self) -> Setting<Stream> {
        if let Some(stream) = Stream::of_word(self.text()) {
            return Setting::Value(stream);
        }
        match IntoSetting::<PathBuf>::into_setting(self) {
            Setting::Unset => Setting::Unset,
            Setting::Value(path) => Setting::Value(Stream::Path(path)),
            Setting::Refused { value, reason } => Setting::Refused { value, reason },
        }
    }

    fn as_written(&self) -> Option<String> {
        Some(self.text().to_owned())
    }
}

impl IntoSetting<Stream> for OwnedFd {
    fn into_setting(self) -> Setting<Stream> {
        Setting::Value(Stream::Open(Arc::new(self)))
    }
}

impl IntoSetting<Stream> for File {
    fn into_setting(self) -> Setting<Stream> {
        OwnedFd::from(self).into_setting()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expand;

    #[test]
    fn the_journal_is_a_word_and_every_other_text_is_a_path() {
        let given: [Setting<Stream>; 3] =
            ["journal".into_setting(), "journal".to_owned().into_setting(), expand("journal").into_setting()];
        assert!(given.iter().all(|given| matches!(given, Setting::Value(Stream::Journal))), "{given:?}");
        let paths: [Setting<Stream>; 3] =
            ["./journal".into_setting(), Path::new("journal").into_setting(), "Journal".into_setting()];
        assert!(paths.iter().all(|given| matches!(given, Setting::Value(Stream::Path(_)))), "{paths:?}");
    }

    #[test]
    fn a_log_is_where_the_daemon_itself_finds_it() {
        let found = |path: &str, root: Option<&str>| Stream::Path(path.into()).log(root.map(Path::new));
        assert_eq!(found("/var/log/x", None), Some("/var/log/x".into()));
        assert_eq!(found("/srv/x/log/x", Some("/srv/x")), Some("/log/x".into()));
        assert_eq!(found("/var/log/x", Some("/srv/x")), None);
        assert_eq!(found("/dev/null", None), None);
        assert_eq!(Stream::Journal.log(None).or(Stream::Syslog.log(None)), None);
    }
}
