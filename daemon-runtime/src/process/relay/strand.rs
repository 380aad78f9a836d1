//! One stream on its way: from the pipe that the daemon writes to, line by line to its log.

use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, poll};

use super::Which;
use super::log::{Log, Sink};

/// The longest line that is kept until its end comes, and the most that is read at a time. It is what a pipe holds.
pub(super) const LONGEST: usize = 64 * 1024;

/// How long a launcher that reads nothing is waited for, before it is asked whether it still listens: milliseconds.
const HESITATION: u8 = 100;

/// The longest write that a pipe with any room takes at once; pipe(7), `PIPE_BUF`.
const AT_ONCE: usize = 4096;

#[derive(Debug)]
pub(super) struct Strand {
    pub(super) which: Which,
    pub(super) reader: File,
    /// Where what is read is put, time and again.
    room: Vec<u8>,
    lines: Lines,
    /// Which of the logs its lines go to.
    pub(super) log: usize,
    /// Where the launcher listens until the daemon is ready.
    launcher: Option<OwnedFd>,
    /// Whether nobody can write to it any more.
    pub(super) is_over: bool,
}

impl Strand {
    /// `reader` does not block.
    pub(super) fn new(which: Which, reader: OwnedFd, log: usize, launcher: Option<OwnedFd>) -> Self {
        let (reader, room, lines) = (File::from(reader), vec![0; LONGEST], Lines::default());
        Self { which, reader, room, lines, log, launcher, is_over: false }
    }

    /// Passes on some of what is there; how much that was.
    pub(super) fn pass_some<S: Sink>(&mut self, logs: &mut [Log<S>], listens: &AtomicBool) -> usize {
        let read = self.reader.read(&mut self.room);
        self.is_over = matches!(read, Ok(0));
        // Otherwise there is nothing just now, or the kernel has no memory for it just now.
        let room = mem::take(&mut self.room);
        let bytes = read.ok().and_then(|length| room.get(..length)).unwrap_or_default();
        self.let_hear(bytes, listens);
        let whole = self.lines.add(bytes);
        self.pass(&whole, logs);
        let length = bytes.len();
        self.room = room;
        length
    }

    /// Passes on all that is there now, but goes on for no one who writes without end: no more than the pipe can hold.
    pub(super) fn pass_all<S: Sink>(&mut self, logs: &mut [Log<S>], listens: &AtomicBool) {
        let holds = fcntl(&self.reader, FcntlArg::F_GETPIPE_SZ).ok().and_then(|size| usize::try_from(size).ok());
        let mut left = holds.unwrap_or(LONGEST);
        while left > 0 {
            match self.pass_some(logs, listens) {
                0 => return,
                passed => left = left.saturating_sub(passed),
            }
        }
    }

    /// Passes on what stands there without an end.
    pub(super) fn pass_unended<S: Sink>(&mut self, logs: &mut [Log<S>]) {
        let unended = mem::take(&mut self.lines.unended);
        self.pass(&unended, logs);
    }

    /// The launcher does not listen any more.
    pub(super) fn forget_launcher(&mut self) {
        self.launcher = None;
    }

    fn pass<S: Sink>(&self, bytes: &[u8], logs: &mut [Log<S>]) {
        logs[self.log].pass(self.which, bytes);
    }

    /// Lets the launcher hear it, as long as it listens.
    fn let_hear(&mut self, bytes: &[u8], listens: &AtomicBool) {
        for bytes in bytes.chunks(AT_ONCE) {
            let Some(launcher) = &self.launcher else { return };
            while listens.load(Ordering::SeqCst) && !has_room(launcher) {}
            let is_heard = listens.load(Ordering::SeqCst) && nix::unistd::write(launcher, bytes).is_ok();
            self.launcher = self.launcher.take().filter(|_| is_heard);
        }
    }
}

/// Whether a write would not wait; asked for some time.
fn has_room(pipe: &OwnedFd) -> bool {
    match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)], HESITATION) {
        Ok(ready) => ready > 0,
        Err(_) => false,
    }
}

/// What was written, parted where lines end.
#[derive(Debug, Default)]
struct Lines {
    /// The beginning of a line whose end is still to come.
    unended: Vec<u8>,
}

impl Lines {
    /// What can be passed on now that this was written too: whole lines, or a piece of one that is too long.
    fn add(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.unended.extend_from_slice(bytes);
        let last_end = self.unended.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        let is_too_long = self.unended.len() >= LONGEST;
        let whole = last_end.unwrap_or(if is_too_long { self.unended.len() } else { 0 });
        let unended = self.unended.split_off(whole);
        mem::replace(&mut self.unended, unended)
    }
}

/// A file that lines are appended to, or whatever else the user has given.
#[derive(Debug)]
pub(super) struct LogFile(pub(super) OwnedFd);

impl Sink for LogFile {
    fn take(&mut self, lines: &[u8]) -> io::Result<usize> {
        loop {
            match nix::unistd::write(&self.0, lines) {
                Err(Errno::EINTR) => {}
                // An open file that the program has given may be one that does not wait by itself.
                Err(Errno::EAGAIN) => {
                    has_room(&self.0);
                }
                taken => return Ok(taken?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::relay::missing::Missing;
    use nix::fcntl::OFlag;
    use std::io::Write;

    /// Somebody who writes another line for every one that is passed on.
    struct Echo(File, u32);

    impl Sink for Echo {
        fn take(&mut self, lines: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            assert!(self.1 < 1_000_000, "it goes on and on");
            self.0.write_all(b"another line\n")?;
            Ok(lines.len())
        }
    }

    #[test]
    fn who_writes_without_end_keeps_nobody() {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).expect("a pipe");
        let mut writer = File::from(writer);
        writer.write_all(b"a line\n").expect("written");
        let mut strand = Strand::new(Which::Out, reader, 0, None);
        strand.pass_all(&mut [Log::new(Echo(writer, 0), Missing::default())], &AtomicBool::new(false));
    }

    #[test]
    fn lines_are_passed_on_whole_and_a_beginning_waits_for_its_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.add(b"one\ntwo\nth"), b"one\ntwo\n");
        assert_eq!(lines.add(b"re"), b"");
        assert_eq!(lines.add(b"e\n"), b"three\n");
        assert!(lines.unended.is_empty());
    }

    #[test]
    fn a_line_too_long_is_passed_on_in_pieces_so_that_memory_is_bounded() {
        let mut lines = Lines::default();
        let mut passed = 0;
        for _ in 0..1000 {
            passed += lines.add(&[b'x'; 1000]).len();
            assert!(lines.unended.len() < LONGEST);
        }
        assert_eq!(passed + lines.unended.len(), 1_000_000);
    }
}
