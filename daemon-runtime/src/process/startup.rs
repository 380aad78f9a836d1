//! The start-up channel: what session leader and daemon tell the launcher, word by word.
//!
//! It is a pair of sequenced-packet sockets: a word arrives whole or not at all, and the end of the channel without a word
//! means failure. The launcher has one end, session leader and daemon share the other; nobody hands either to a child.
//!
//! The daemon may have dropped root and be in an enemy's hand before it is ready, and it has the session leader's end. So the
//! kernel says who has sent each word (unix(7), `SO_PASSCRED`): whom the launcher may end is the leader's word alone.

mod wire;

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockFlag, SockType, UnixCredentials, recv,
    recvmsg, send, sendmsg, setsockopt, shutdown, socketpair, sockopt,
};
use nix::unistd::Pid;

use super::stages::Failure;
use crate::sys::again::again;
use crate::sys::pidfd::{PidFd, poll_timeout};

#[cfg(fuzzing)]
pub(crate) use self::wire::promise::any_bytes_are_a_word_or_refused;

/// How long a word is tried that the kernel has no memory for, and how often.
const INSISTENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// How long the channel may stay open after the last word on it.
const GRACE: Duration = Duration::from_millis(50);

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
    /// The same, and nobody is left of whom it has begun, and of whom those have.
    EndedAlone { status: i32 },
}

/// What the launcher hears.
#[derive(Debug)]
pub(crate) enum Heard {
    Word(Word),
    /// A word that only the session leader can know, said by somebody else.
    Forged,
    /// The end of the channel.
    End,
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
    setsockopt(&launcher, sockopt::PassCred, &true)?;
    Ok((LauncherEnd(launcher), DaemonEnd(daemon)))
}

impl DaemonEnd {
    /// Hands the launcher a handle on the daemon.
    pub(crate) fn introduce(&self, pid: i32, handle: &PidFd) {
        self.send(&wire::of_forked(pid), Some(handle));
    }

    /// Tells the launcher. One that is gone is told nothing, and that is no failure of the daemon's.
    pub(crate) fn say(&self, word: &Word) {
        match word {
            Word::Forked { pid, handle } => self.introduce(*pid, handle),
            word => self.send(&wire::of(word), None),
        }
    }

    fn send(&self, bytes: &[u8], handle: Option<&PidFd>) {
        let raw = handle.map(|h| [h.as_fd().as_raw_fd()]);
        let rights: Vec<_> = raw.iter().map(|fds| ControlMessage::ScmRights(fds)).collect();
        let parts = [IoSlice::new(bytes)];
        // It is heard, or there is nobody who could hear it.
        let _ = insist(|| sendmsg::<()>(self.0.as_raw_fd(), &parts, &rights, MsgFlags::MSG_NOSIGNAL, None));
    }

    /// Reads the launcher's answer, once there is one.
    pub(crate) fn answer(&self) -> Answer {
        let mut byte = [0_u8; 1];
        loop {
            return match nix::unistd::read(&self.0, &mut byte) {
                Err(Errno::EINTR) => continue,
                Ok(1) if byte[0] == AGREED => Answer::Agreed,
                Ok(1) if byte[0] == HEARD => Answer::Heard,
                _ => Answer::Gone,
            };
        }
    }
}

impl LauncherEnd {
    /// The next word. `leader` is who was forked to be the session leader.
    pub(crate) fn hear(&self, leader: Pid) -> io::Result<Heard> {
        // Its length first: the longest word would fill pages, and hardly one is longer than a line.
        let peek = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
        let length = match again(|| recv(self.0.as_raw_fd(), &mut [], peek)) {
            // A daemon that died with our words unread resets the channel: that is its end too.
            Ok(0) | Err(Errno::ECONNRESET) => return Ok(Heard::End),
            other => other?.min(wire::LONGEST),
        };
        let mut bytes = vec![0_u8; length];
        let mut control = cmsg_space!([i32; 1], UnixCredentials);
        let (mut handle, mut sender) = (None, None);
        let length = {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            let message = match recvmsg::<()>(self.0.as_raw_fd(), &mut parts, Some(&mut control), flags) {
                Err(Errno::EINTR) => return self.hear(leader),
                Err(Errno::ECONNRESET) => return Ok(Heard::End),
                other => other?,
            };
            for part in message.cmsgs()? {
                match part {
                    ControlMessageOwned::ScmCredentials(who) => sender = Some(Pid::from_raw(who.pid())),
                    other => handle = PidFd::received(other),
                }
            }
            message.bytes
        };
        Ok(match wire::read(bytes.get(..length).unwrap_or_default(), handle)? {
            None => Heard::End,
            Some(Word::Forked { .. } | Word::Ended { .. } | Word::EndedAlone { .. }) if sender != Some(leader) => {
                Heard::Forged
            }
            Some(word) => Heard::Word(word),
        })
    }

    /// Tells the daemon that the start is agreed on, and that this was the last word; false when nobody hears it.
    pub(crate) fn agree(&self) -> io::Result<bool> {
        let is_heard = self.send(AGREED)?;
        // What counts is the word: the end of the channel comes with us, too.
        let _ = shutdown(self.0.as_raw_fd(), Shutdown::Write);
        Ok(is_heard)
    }

    /// Waits until the daemon has put its stderr in place, and until all have let go of the channel; for the latter not
    /// long, because a child that the worker forked may hold it for as long as it lives.
    pub(crate) fn wait_for_end(self, leader: Pid, timeout: Duration) {
        // First for the end alone, which most often comes with the word: it is not worth waking for both.
        let only_end = PollFlags::empty();
        if poll(&mut [PollFd::new(self.as_fd(), only_end)], poll_timeout(GRACE)).is_ok_and(|ended| ended > 0) {
            return;
        }
        let mut end = Instant::now() + timeout;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, poll_timeout(left)) {
                Ok(1..) => {}
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(_) => {
                    // The kernel has no memory for it just now: try again, but not at full speed.
                    std::thread::sleep(PAUSE);
                    continue;
                }
            }
            match self.hear(leader) {
                Ok(Heard::Word(Word::Parted)) => end = end.min(Instant::now() + GRACE),
                Ok(Heard::Word(_) | Heard::Forged) => {}
                Ok(Heard::End) | Err(_) => return,
            }
        }
    }

    /// Tells the daemon that its failure was heard.
    pub(crate) fn hear_failure(&self) {
        // One that does not hear it tells its failure on its stderr too.
        let _ = self.send(HEARD);
    }

    /// False when nobody hears it; also one who does not read, for whom we do not wait.
    fn send(&self, byte: u8) -> io::Result<bool> {
        match insist(|| send(self.0.as_raw_fd(), &[byte], MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT)) {
            Ok(_) => Ok(true),
            Err(Errno::EPIPE | Errno::ECONNRESET | Errno::EAGAIN) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}

/// Sends, where the kernel may have no memory for it just now: a word that is lost could make a good start a failure.
fn insist<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    let end = Instant::now() + INSISTENCE;
    loop {
        match again(&mut call) {
            Err(Errno::ENOBUFS | Errno::ENOMEM) if Instant::now() < end => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
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
    use crate::spec::hook::When;
    use crate::spec::stage::Stage;
    use crate::sys::fork::Threads;

    fn said(word: &Word) -> Word {
        let (launcher, daemon) = channel().expect("a channel");
        daemon.say(word);
        let Heard::Word(word) = launcher.hear(Pid::this()).expect("heard") else { panic!("no word") };
        word
    }

    #[test]
    fn every_word_arrives_as_it_was_said() {
        assert!(matches!(said(&Word::Working), Word::Working));
        assert!(matches!(said(&Word::Ready { written: [1, 2] }), Word::Ready { written: [1, 2] }));
        assert!(matches!(said(&Word::Parted), Word::Parted));
        assert!(matches!(said(&Word::Ended { status: 256 }), Word::Ended { status: 256 }));
        assert!(matches!(said(&Word::EndedAlone { status: 9 }), Word::EndedAlone { status: 9 }));
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
        assert!(matches!(
            undone(Failure::Environment(Threads { count: 3 })),
            Failure::Environment(Threads { count: 3 })
        ));
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
    fn what_only_the_session_leader_knows_is_not_believed_of_anybody_else() {
        let (launcher, daemon) = channel().expect("a channel");
        let pid = std::process::id().cast_signed();
        daemon.introduce(pid, &PidFd::open(pid).expect("a handle"));
        daemon.say(&Word::Ended { status: 0 });
        daemon.say(&Word::EndedAlone { status: 0 });
        daemon.say(&Word::Working);
        let hear = || launcher.hear(Pid::parent()).expect("heard");
        assert!(matches!([hear(), hear(), hear()], [Heard::Forged, Heard::Forged, Heard::Forged]));
        assert!(matches!(hear(), Heard::Word(Word::Working)));
    }

    #[test]
    fn the_end_of_the_channel_is_heard_as_such() {
        let (launcher, daemon) = channel().expect("a channel");
        drop(daemon);
        assert!(matches!(launcher.hear(Pid::this()).expect("heard"), Heard::End));
        assert!(!launcher.agree().expect("told"));
    }

    #[test]
    fn a_text_too_long_is_cut_between_two_characters() {
        let Word::Failed(heard) = said(&Word::Failed("é".repeat(wire::LONGEST))) else { panic!("another word") };
        assert!(heard.len() > wire::LONGEST / 2 && heard.chars().all(|c| c == 'é'));
    }
}
