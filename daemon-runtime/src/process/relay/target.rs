//! Where the lines of a stream go: a file, a socket, or the system's log.

use std::io;
use std::os::fd::OwnedFd;

use super::connection::{Connection, is_journal, is_socket};
use super::log::Sink;
use super::strand::LogFile;
use super::syslog::Syslog;

#[derive(Debug)]
pub(super) enum Target {
    File(LogFile),
    Connection(Connection),
    Syslog(Syslog),
}

impl Target {
    /// `syslog`: the daemon's name, if it is the system's log.
    pub(super) fn new(file: OwnedFd, syslog: Option<String>) -> Self {
        match syslog {
            Some(name) => Self::Syslog(Syslog { socket: file, name }),
            None if is_socket(&file) => Self::Connection(Connection::new(file)),
            None => Self::File(LogFile(file)),
        }
    }

    pub(super) fn file(&self) -> &OwnedFd {
        match self {
            Self::File(LogFile(file)) => file,
            Self::Connection(connection) => &connection.socket,
            Self::Syslog(syslog) => &syslog.socket,
        }
    }

    /// Whether it can be a stream by itself, with nobody in between.
    pub(super) fn takes_lines_as_they_are(&self) -> bool {
        matches!(self, Self::File(_) | Self::Connection(_))
    }
}

impl Sink for Target {
    fn take(&mut self, lines: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.take(lines),
            Self::Connection(connection) => connection.take(lines),
            Self::Syslog(syslog) => syslog.take(lines),
        }
    }
    fn is_systems(&self) -> bool {
        match self {
            Self::File(_) => false,
            Self::Connection(connection) => is_journal(&connection.socket),
            Self::Syslog(_) => true,
        }
    }
}
