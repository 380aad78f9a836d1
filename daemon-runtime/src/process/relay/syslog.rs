//! The system's log as a sink: each line is a message to whoever listens at /dev/log, with the daemon's name and pid.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{MsgFlags, UnixAddr, connect, send};

use super::log::Sink;
use crate::spec::stream::SYSLOG_SOCKET;
use crate::sys::again::again;

/// How long a log that is busy is waited for: milliseconds. What it does not take by then is counted.
const HESITATION: u8 = 100;

/// What a daemon is among those that log; syslog(3), `LOG_DAEMON`.
const DAEMON: u8 = 3;

/// The priority of a line that does not begin with one; syslog(3), `LOG_INFO`.
const INFO: u8 = 6;

/// Connects to the system's log, as long as there is a way there.
pub(crate) fn open() -> io::Result<OwnedFd> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(SYSLOG_SOCKET).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            io::Error::new(e.kind(), "no syslog daemon listens there; where there is none, name a file")
        }
        _ => e,
    })?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[derive(Debug)]
pub(super) struct Syslog {
    pub(super) socket: OwnedFd,
    /// The daemon's name.
    pub(super) name: String,
}

impl Sink for Syslog {
    fn take(&mut self, lines: &[u8]) -> io::Result<usize> {
        let length = lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| at + 1);
        let line = lines.get(..length).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if !line.is_empty() {
            self.send(&message(&self.name, std::process::id(), line))?;
        }
        Ok(length)
    }
}

impl Syslog {
    fn send(&self, message: &[u8]) -> nix::Result<()> {
        match self.try_to_send(message) {
            Err(Errno::EAGAIN) => {
                let _ = poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)], HESITATION);
                self.try_to_send(message)
            }
            // Who listened has gone; another may have come.
            Err(Errno::ECONNREFUSED | Errno::ENOTCONN | Errno::ECONNRESET | Errno::EPIPE | Errno::EDESTADDRREQ) => {
                connect(self.socket.as_raw_fd(), &UnixAddr::new(SYSLOG_SOCKET)?)?;
                self.try_to_send(message)
            }
            sent => sent,
        }
    }

    fn try_to_send(&self, message: &[u8]) -> nix::Result<()> {
        again(|| send(self.socket.as_raw_fd(), message, MsgFlags::MSG_NOSIGNAL)).map(drop)
    }
}

/// As syslog(3) sends it, without a time: who listens has his own.
fn message(name: &str, pid: u32, line: &[u8]) -> Vec<u8> {
    let (priority, text) = parted(line);
    let mut message = format!("<{}>{name}[{pid}]: ", DAEMON << 3 | priority).into_bytes();
    message.extend_from_slice(text);
    message
}

/// The priority that a line begins with, as sd-daemon(3) has it, and the rest.
fn parted(line: &[u8]) -> (u8, &[u8]) {
    match line {
        [b'<', digit @ b'0'..=b'7', b'>', text @ ..] => (digit - b'0', text),
        text => (INFO, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_of_the_daemon_with_the_priority_that_it_begins_with() {
        let said = |line: &str| String::from_utf8(message("x", 42, line.as_bytes())).expect("text");
        assert_eq!(said("words"), "<30>x[42]: words");
        assert_eq!(said("<3>no luck"), "<27>x[42]: no luck");
        for plain in ["<8>words", "<3", "<>words", "< 3>words"] {
            assert_eq!(said(plain), format!("<30>x[42]: {plain}"));
        }
    }

    #[test]
    fn each_line_is_one_message_and_an_empty_one_none() {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        let mut syslog = Syslog { socket: ours.into(), name: "x".to_owned() };
        let mut lines: &[u8] = b"one\n\ntwo\n";
        while !lines.is_empty() {
            lines = &lines[syslog.take(lines).expect("taken")..];
        }
        let mut heard = [0; 64];
        for text in ["one", "two"] {
            let length = theirs.recv(&mut heard).expect("there");
            assert!(heard[..length].ends_with(format!(": {text}").as_bytes()));
        }
        theirs.set_nonblocking(true).expect("ours");
        assert!(theirs.recv(&mut heard).is_err());
    }

    #[test]
    fn one_that_is_busy_is_not_waited_for_long_and_what_it_did_not_take_is_an_error() {
        let (ours, _theirs) = UnixDatagram::pair().expect("a pair");
        ours.set_nonblocking(true).expect("ours");
        let mut syslog = Syslog { socket: ours.into(), name: "x".to_owned() };
        let refused = (0..100_000).find_map(|_| syslog.take(b"line\n").err());
        assert_eq!(refused.expect("it is full").raw_os_error(), Some(Errno::EAGAIN as i32));
    }
}
