//! The start-up channel: what session leader and daemon tell the launcher, word by word.
//!
//! It is a pair of sequenced-packet sockets: a word arrives whole or not at all, and the end of the channel without a word
//! means failure. The launcher has one end, session leader and daemon share the other; nobody hands either to a child.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, Shutdown, SockFlag, SockType, recvmsg, sendmsg, shutdown, socketpair,
};

use super::stages::Failure;
use crate::spec::hook::When;
use crate::spec::stage::Stage;
use crate::sys::pidfd::{PidFd, poll_timeout};

/// How long the channel may stay open after the last word on it.
const GRACE: Duration = Duration::from_millis(50);

/// The longest text of a word; a longer one is cut. It fits into any socket buffer.
const LONGEST: usize = 32 * 1024;

/// What the launcher is told.
#[derive(Debug)]
pub(crate) enum Word {
    /// Session leader: the daemon is there, and this is a handle on it.
    Forked { pid: i32, handle: PidFd },
    /// Session leader or daemon: the daemon could not come to be.
    Undone(Failure),
    /// Daemon: all stages are done, the worker begins.
    Working,
    /// Daemon: ready, with stdout and stderr of these lengths, where they are files.
    Ready { written: [u64; 2] },
    /// Daemon: it has heard that the start is agreed on, and its stderr is in place.
    Parted,
    /// Daemon: the worker returned this error.
    Failed(String),
    /// Daemon: the worker panicked, with this text at this place.
    Panicked(String),
    /// Daemon: this signal asked it to shut down.
    Terminated { signal: i32 },
    /// Session leader: the daemon has ended with this wait status, see waitpid(2).
    Ended { status: i32 },
}

/// What the launcher answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The start is agreed on.
    Agreed,
    /// The failure was heard, and will be told at the terminal.
    Heard,
    /// Nothing: the launcher is gone.
    Gone,
}

const FORKED: u8 = b'F';
const LEADER: u8 = b'L';
const STAGE: u8 = b'S';
const ENVIRONMENT: u8 = b'V';
const BEFORE: u8 = b'B';
const AFTER: u8 = b'C';
const WORKING: u8 = b'W';
const READY: u8 = b'R';
const PARTED: u8 = b'D';
const FAILED: u8 = b'E';
const PANICKED: u8 = b'P';
const TERMINATED: u8 = b'T';
const ENDED: u8 = b'X';
const AGREED: u8 = b'A';
const HEARD: u8 = b'H';

/// The launcher's end.
#[derive(Debug)]
pub(crate) struct LauncherEnd(OwnedFd);

/// The end of session leader and daemon.
#[derive(Debug)]
pub(crate) struct DaemonEnd(OwnedFd);

impl DaemonEnd {
    /// The end that came along when the program was started anew.
    pub(crate) fn handed(end: OwnedFd) -> Self {
        Self(end)
    }
}

pub(crate) fn channel() -> io::Result<(LauncherEnd, DaemonEnd)> {
    let (launcher, daemon) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    Ok((LauncherEnd(launcher), DaemonEnd(daemon)))
}

impl DaemonEnd {
    /// Hands the launcher a handle on the daemon.
    pub(crate) fn introduce(&self, pid: i32, handle: &PidFd) {
        self.send(FORKED, pid, "", Some(handle));
    }

    /// Tells the launcher. One that is gone is told nothing, and that is no failure of the daemon's.
    pub(crate) fn say(&self, word: &Word) {
        match word {
            Word::Forked { pid, handle } => self.introduce(*pid, handle),
            Word::Undone(failure) => self.say_undone(failure),
            Word::Working => self.send(WORKING, 0, "", None),
            Word::Ready { written: [out, err] } => self.send(READY, 0, &format!("{out} {err}"), None),
            Word::Parted => self.send(PARTED, 0, "", None),
            Word::Failed(text) => self.send(FAILED, 0, text, None),
            Word::Panicked(text) => self.send(PANICKED, 0, text, None),
            Word::Terminated { signal } => self.send(TERMINATED, *signal, "", None),
            Word::Ended { status } => self.send(ENDED, *status, "", None),
        }
    }

    fn say_undone(&self, failure: &Failure) {
        let with = |stage: &Stage, text: &str| format!("{} {text}", stage.word());
        let errno = |source: &io::Error| source.raw_os_error().unwrap_or(0);
        match failure {
            Failure::SessionLeader(source) => self.send(LEADER, errno(source), &source.to_string(), None),
            Failure::Stage(stage, source) => self.send(STAGE, errno(source), &with(stage, &source.to_string()), None),
            Failure::Environment(count) => self.send(ENVIRONMENT, i32::try_from(*count).unwrap_or(i32::MAX), "", None),
            Failure::Hook(When::Before, stage, text) => self.send(BEFORE, 0, &with(stage, text), None),
            Failure::Hook(When::After, stage, text) => self.send(AFTER, 0, &with(stage, text), None),
        }
    }

    fn send(&self, tag: u8, number: i32, text: &str, handle: Option<&PidFd>) {
        let (tag, number) = ([tag], number.to_le_bytes());
        let parts = [IoSlice::new(&tag), IoSlice::new(&number), IoSlice::new(cut(text).as_bytes())];
        let raw = handle.map(|h| [h.as_fd().as_raw_fd()]);
        let rights: Vec<_> = raw.iter().map(|fds| ControlMessage::ScmRights(fds)).collect();
        while let Err(nix::errno::Errno::EINTR) =
            sendmsg::<()>(self.0.as_raw_fd(), &parts, &rights, MsgFlags::MSG_NOSIGNAL, None)
        {}
    }

    /// Reads the launcher's answer, once there is one.
    pub(crate) fn answer(&self) -> Answer {
        let mut byte = [0_u8; 1];
        match nix::unistd::read(&self.0, &mut byte) {
            Ok(1) if byte[0] == AGREED => Answer::Agreed,
            Ok(1) if byte[0] == HEARD => Answer::Heard,
            _ => Answer::Gone,
        }
    }
}

impl LauncherEnd {
    /// The next word; nothing at the end of the channel.
    pub(crate) fn hear(&self) -> io::Result<Option<Word>> {
        let mut bytes = vec![0_u8; LONGEST + 8];
        let mut rights = cmsg_space!([i32; 1]);
        let (length, handle) = {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            let message = match recvmsg::<()>(self.0.as_raw_fd(), &mut parts, Some(&mut rights), flags) {
                // A daemon that died with our words unread resets the channel: that is its end too.
                Err(nix::errno::Errno::ECONNRESET) => return Ok(None),
                other => other?,
            };
            (message.bytes, message.cmsgs()?.find_map(PidFd::received))
        };
        parse(bytes.get(..length).unwrap_or_default(), handle)
    }

    /// Tells the daemon that the start is agreed on, and that this was the last word; false when nobody hears it.
    pub(crate) fn agree(&self) -> bool {
        self.send(AGREED) && shutdown(self.0.as_raw_fd(), Shutdown::Write).is_ok()
    }

    /// Waits until the daemon has put its stderr in place, and until all have let go of the channel; for the latter not
    /// long, because a child that the worker forked may hold it for as long as it lives.
    pub(crate) fn wait_for_end(self, timeout: Duration) {
        let mut end = Instant::now() + timeout;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            if !poll(&mut fds, poll_timeout(left)).is_ok_and(|ready| ready > 0) {
                continue;
            }
            match self.hear() {
                Ok(Some(Word::Parted)) => end = end.min(Instant::now() + GRACE),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Tells the daemon that its failure was heard.
    pub(crate) fn hear_failure(&self) {
        self.send(HEARD);
    }

    fn send(&self, byte: u8) -> bool {
        nix::sys::socket::send(self.0.as_raw_fd(), &[byte], MsgFlags::MSG_NOSIGNAL).is_ok()
    }
}

fn parse(bytes: &[u8], handle: Option<PidFd>) -> io::Result<Option<Word>> {
    let Some((tag, rest)) = bytes.split_first() else { return Ok(None) };
    let (number, text) = rest.split_first_chunk().ok_or_else(garbled)?;
    let number = i32::from_le_bytes(*number);
    let text = String::from_utf8_lossy(text);
    let word = match (*tag, handle) {
        (FORKED, Some(handle)) => Word::Forked { pid: number, handle },
        (LEADER | STAGE | ENVIRONMENT | BEFORE | AFTER, _) => Word::Undone(undone(*tag, number, &text)?),
        (WORKING, _) => Word::Working,
        (READY, _) => {
            let (out, err) = text.split_once(' ').ok_or_else(garbled)?;
            Word::Ready { written: [out, err].map(|length| length.parse().unwrap_or(u64::MAX)) }
        }
        (PARTED, _) => Word::Parted,
        (FAILED, _) => Word::Failed(text.into_owned()),
        (PANICKED, _) => Word::Panicked(text.into_owned()),
        (TERMINATED, _) => Word::Terminated { signal: number },
        (ENDED, _) => Word::Ended { status: number },
        _ => return Err(garbled()),
    };
    Ok(Some(word))
}

fn undone(tag: u8, number: i32, text: &str) -> io::Result<Failure> {
    let source = |text: &str| match number {
        0 => io::Error::other(text.to_owned()),
        errno => io::Error::from_raw_os_error(errno),
    };
    let of_stage = || {
        let (word, text) = text.split_once(' ').ok_or_else(garbled)?;
        Ok::<_, io::Error>((Stage::of_word(word).ok_or_else(garbled)?, text))
    };
    Ok(match tag {
        LEADER => Failure::SessionLeader(source(text)),
        ENVIRONMENT => Failure::Environment(usize::try_from(number).unwrap_or_default()),
        BEFORE => of_stage().map(|(stage, text)| Failure::Hook(When::Before, stage, text.to_owned()))?,
        AFTER => of_stage().map(|(stage, text)| Failure::Hook(When::After, stage, text.to_owned()))?,
        _ => of_stage().map(|(stage, text)| Failure::Stage(stage, source(text)))?,
    })
}

fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the start-up channel carried something that is no word of ours")
}

fn cut(text: &str) -> &str {
    let end = (0..=LONGEST.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

impl AsFd for LauncherEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for DaemonEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(word: &Word) -> Word {
        let (launcher, daemon) = channel().expect("a channel");
        daemon.say(word);
        launcher.hear().expect("heard").expect("a word")
    }

    #[test]
    fn every_word_arrives_as_it_was_said() {
        assert!(matches!(said(&Word::Working), Word::Working));
        assert!(matches!(said(&Word::Ready { written: [1, 2] }), Word::Ready { written: [1, 2] }));
        assert!(matches!(said(&Word::Parted), Word::Parted));
        assert!(matches!(said(&Word::Ended { status: 256 }), Word::Ended { status: 256 }));
        assert!(matches!(said(&Word::Failed("no".into())), Word::Failed(t) if t == "no"));
        assert!(matches!(said(&Word::Panicked("oh".into())), Word::Panicked(t) if t == "oh"));
    }

    #[test]
    fn what_kept_the_daemon_from_being_arrives_with_its_cause() {
        let undone = |failure| match said(&Word::Undone(failure)) {
            Word::Undone(failure) => failure,
            other => panic!("{other:?}"),
        };
        let Failure::Stage(Stage::WorkDir, source) =
            undone(Failure::Stage(Stage::WorkDir, io::Error::from_raw_os_error(2)))
        else {
            panic!("another failure")
        };
        assert_eq!(source.raw_os_error(), Some(2));
        let Failure::Stage(_, source) = undone(Failure::Stage(Stage::PidFile, io::Error::other("no locks"))) else {
            panic!("another failure")
        };
        assert_eq!(source.to_string(), "no locks");
        let hook = undone(Failure::Hook(When::After, Stage::Umask, "two words".into()));
        assert!(matches!(hook, Failure::Hook(When::After, Stage::Umask, text) if text == "two words"));
        assert!(matches!(undone(Failure::Environment(3)), Failure::Environment(3)));
    }

    #[test]
    fn the_handle_on_the_daemon_arrives_with_its_pid() {
        let pid = i32::try_from(std::process::id()).expect("a pid");
        let handle = PidFd::open(pid).expect("a handle");
        let Word::Forked { pid: heard, handle } = said(&Word::Forked { pid, handle }) else { panic!("another word") };
        assert_eq!(heard, pid);
        handle.signal(0).expect("it is this process");
    }

    #[test]
    fn the_end_of_the_channel_is_heard_as_such() {
        let (launcher, daemon) = channel().expect("a channel");
        drop(daemon);
        assert!(launcher.hear().expect("heard").is_none());
        assert!(!launcher.agree());
    }

    #[test]
    fn a_text_too_long_is_cut_between_two_characters() {
        let Word::Failed(heard) = said(&Word::Failed("é".repeat(LONGEST))) else { panic!("another word") };
        assert_eq!(heard.len(), LONGEST);
    }
}
