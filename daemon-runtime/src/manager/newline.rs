//! A newline on a descriptor, by which s6, dinit and `OpenRC` want to be told that the daemon is ready: once, and then it is
//! closed.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Report, untold};
use crate::sys::descriptor;

/// Which descriptor it is. They have no variable for it themselves, because each program has its own way to be told.
pub(super) const VARIABLE: &str = "NOTIFY_FD";

#[derive(Debug, Default)]
pub(super) struct Newline(Mutex<Option<File>>);

impl Newline {
    /// `sockets`: the numbers that mean something else already.
    pub(super) fn here(sockets: &[RawFd], report: Report) -> Self {
        let Some(number) = env::var_os(VARIABLE).filter(|number| !number.is_empty()) else { return Self::default() };
        let meant = number.to_str().and_then(|number| number.parse().ok());
        let fd = meant.filter(|fd| !sockets.contains(fd)).and_then(descriptor::adopt);
        if fd.is_none() {
            let why = if meant.is_some_and(|fd| sockets.contains(&fd)) {
                "is one of the sockets of LISTEN_FDS; give it a number above them"
            } else {
                "is no descriptor that it has opened for this program"
            };
            report(&untold(VARIABLE, &format!("{} {why}", number.to_string_lossy())));
        }
        Self(Mutex::new(fd.map(File::from)))
    }

    /// Says it, unless it was said.
    pub(super) fn say(&self) -> io::Result<()> {
        let file = self.lock().take();
        file.map_or(Ok(()), |mut file| file.write_all(b"\n"))
    }

    /// Somebody else says it.
    pub(super) fn leave(&self) {
        drop(self.lock().take());
    }

    pub(super) fn number(&self) -> Option<RawFd> {
        self.lock().as_ref().map(AsRawFd::as_raw_fd)
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn it_is_said_once_and_the_descriptor_is_closed() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let newline = Newline(Mutex::new(Some(File::from(std::os::fd::OwnedFd::from(writer)))));
        newline.say().expect("said");
        newline.say().expect("nothing more to say");
        let mut heard = String::new();
        reader.read_to_string(&mut heard).expect("the end of it");
        assert_eq!((heard.as_str(), newline.number()), ("\n", None));
    }
}
