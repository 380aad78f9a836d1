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
}

impl Stream {
    /// The path that was given, if one was.
    pub(crate) fn named(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Open(_) => None,
        }
    }

    /// Where it can be found; an open file by its descriptor.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Open(file) => PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())),
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

stream_from_path!(PathBuf, &PathBuf, &Path, &str, String, &String, &OsStr, OsString, &OsString);

impl IntoSetting<Stream> for Template {
    fn into_setting(self) -> Setting<Stream> {
        match IntoSetting::<PathBuf>::into_setting(self) {
            Setting::Unset => Setting::Unset,
            Setting::Value(path) => Setting::Value(Stream::Path(path)),
            Setting::Refused { value, reason } => Setting::Refused { value, reason },
        }
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
