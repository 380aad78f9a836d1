//! A socket as a log: the journal's, or one that the program has opened. Who is at its other end may stand still, and is not
//! waited for.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{MsgFlags, UnixAddr, getpeername, send};
use nix::sys::stat::fstat;

use super::log::Sink;
use crate::spec::stream::JOURNAL_SOCKET;
use crate::sys::again::again;

/// How long one that was quick until now is waited for: milliseconds. What it does not take by then is counted.
const HESITATION: u8 = 100;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: OwnedFd,
    /// Whether it has just taken nothing in that time: then it is asked, and not waited for, until it takes something again.
    stands_still: bool,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self { socket, stands_still: false }
    }
}

/// Whether it is a stream of the journal's, whoever has connected it: systemd does so for what it runs.
pub(crate) fn is_journal(stream: &impl AsFd) -> bool {
    let peer = getpeername::<UnixAddr>(stream.as_fd().as_raw_fd());
    peer.is_ok_and(|peer| peer.path() == Some(Path::new(JOURNAL_SOCKET)))
}

/// Whether it is one.
pub(super) fn is_socket(file: &OwnedFd) -> bool {
    fstat(file).is_ok_and(|file| file.st_mode & libc::S_IFMT == libc::S_IFSOCK)
}

impl Sink for Connection {
    fn take(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut taken = self.try_to_send(lines);
        if taken == Err(Errno::EAGAIN) && !self.stands_still {
            // What the wait was worth shows at the attempt.
            let _ = poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)], HESITATION);
            taken = self.try_to_send(lines);
        }
        self.stands_still = taken.is_err();
        Ok(taken?)
    }
}

impl Connection {
    /// Without waiting, in this attempt only: the open file itself goes on waiting, for whoever else has it as a stream.
    fn try_to_send(&self, lines: &[u8]) -> nix::Result<usize> {
        again(|| send(self.socket.as_raw_fd(), lines, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Which;
    use super::super::log::Log;
    use super::super::missing::Missing;
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    #[cfg_attr(miri, ignore = "sockets")]
    fn one_that_reads_nothing_costs_lines_which_it_is_told_of_when_it_reads_again() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let mut log = Log::new(Connection::new(ours.into()), Missing::default());
        let line = b"a line of the daemon's\n";
        for _ in 0..2000 {
            log.pass(Which::Out, line);
        }
        assert!(log.is_behind());
        theirs.set_nonblocking(true).expect("ours");
        let mut heard = Vec::new();
        let _nothing_more = theirs.read_to_end(&mut heard);
        log.catch_up().expect("there is room");
        log.pass(Which::Out, b"the last\n");
        let _nothing_more = theirs.read_to_end(&mut heard);
        let heard = String::from_utf8(heard).expect("text");
        let (told, others): (Vec<_>, Vec<_>) = heard.lines().partition(|line| line.starts_with("warning: "));
        let count = told[0].split(' ').nth(1).and_then(|count| count.parse::<usize>().ok());
        assert_eq!((told.len(), count), (1, Some(2000 - (others.len() - 1))), "{told:?}");
        assert!(
            told[0].ends_with("missing here, because the log could not be written: Resource temporarily unavailable")
        );
        assert_eq!(others.last().copied(), Some("the last"));
    }

    #[test]
    #[cfg_attr(miri, ignore = "sockets")]
    fn one_whose_other_end_is_gone_is_an_error_and_no_signal() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        drop(theirs);
        let refused = Connection::new(ours.into()).take(b"line\n").expect_err("nobody is there");
        assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
    }
}
