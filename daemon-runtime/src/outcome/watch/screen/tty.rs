//! The terminal itself: its mode, and what is on the way to it.
//!
//! Nothing here waits for a terminal that takes no output, like one that nobody reads, or that Ctrl-S has halted: what it does not
//! take stays until it does, and the view goes on hearing keys and signals.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::termios::{InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::queue;
use ratatui::crossterm::style::{Attribute, SetAttribute};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::layout::Rect;
use rustix::termios::tcgetwinsize;

use crate::sys::clock::monotonic;
use crate::sys::pidfd::poll_timeout;

/// What a terminal that does not know its size is taken to have.
const USUAL: Rect = Rect { x: 0, y: 0, width: 80, height: 24 };

/// Larger than any screen; more is a mistake that would only cost memory.
const LARGEST: u16 = 1000;

/// How long a terminal that is given back has to take the little that is written then.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) struct Tty {
    file: File,
    /// How many bytes are written at once.
    piece: usize,
    /// What is to be given back, while it is taken.
    taken: Mutex<Option<Taken>>,
}

struct Taken {
    /// The mode that it had.
    before: Termios,
    /// What it has not taken yet.
    unsent: Vec<u8>,
    /// Whether it has taken anything at all.
    is_written: bool,
}

impl Tty {
    /// The terminal behind a descriptor.
    pub(super) fn behind(file: File) -> Self {
        // Opened anew, because whoever has the same description would have to live with what is set on it.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let own = File::options().write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
        match own {
            Ok(own) => Self { file: own, piece: usize::MAX, taken: Mutex::new(None) },
            // It may be somebody else's, as after su(1). A byte never waits where poll(2) has said that there is room.
            Err(_) => Self { file, piece: 1, taken: Mutex::new(None) },
        }
    }

    pub(super) fn take(&self) -> io::Result<()> {
        let mut taken = self.taken();
        let before = match &*taken {
            Some(taken) => taken.before.clone(),
            None => tcgetattr(&self.file)?,
        };
        // First, because here a process in the background is stopped, with nothing done.
        tcsetattr(&self.file, SetArg::TCSANOW, &of_a_view(before.clone()))?;
        let mut unsent = Vec::new();
        queue!(unsent, EnterAlternateScreen, Hide)?;
        let is_written = taken.as_ref().is_some_and(|taken| taken.is_written);
        *taken = Some(Taken { before, unsent, is_written });
        Ok(())
    }

    /// Has these bytes sent after those that are on the way.
    pub(super) fn add(&self, bytes: &[u8]) {
        if let Some(taken) = &mut *self.taken() {
            taken.unsent.extend_from_slice(bytes);
        }
    }

    /// Sends what the terminal takes now.
    pub(super) fn send(&self) -> io::Result<()> {
        let mut taken = self.taken();
        let Some(Taken { unsent, is_written, .. }) = &mut *taken else { return Ok(()) };
        while !unsent.is_empty() && self.has_room(Duration::ZERO)? {
            let count = self.put(unsent)?;
            if count == 0 {
                break;
            }
            unsent.drain(..count);
            *is_written = true;
        }
        Ok(())
    }

    /// The descriptor to wait for, while there is something to send.
    pub(super) fn unsent(&self) -> Option<BorrowedFd<'_>> {
        self.taken().as_ref().is_some_and(|taken| !taken.unsent.is_empty()).then(|| self.file.as_fd())
    }

    pub(super) fn give_back(&self) {
        let Some(Taken { before, is_written, .. }) = self.taken().take() else { return };
        // First, because it never waits.
        let _ = tcsetattr(&self.file, SetArg::TCSANOW, &before);
        if is_written {
            let mut bytes = Vec::new();
            let _ = queue!(bytes, SetAttribute(Attribute::Reset), Show, LeaveAlternateScreen);
            let _ = self.write_within(LAST_WORDS, &bytes);
        }
    }

    fn write_within(&self, time: Duration, mut bytes: &[u8]) -> io::Result<()> {
        let until = monotonic().saturating_add(time);
        while !bytes.is_empty() {
            let left = until.saturating_sub(monotonic());
            match (self.has_room(left)?, left.is_zero()) {
                (true, _) => {}
                (false, true) => return Err(ErrorKind::TimedOut.into()),
                // A signal, or the time is over.
                (false, false) => continue,
            }
            bytes = &bytes[self.put(bytes)?..];
        }
        Ok(())
    }

    /// Writes as much as it takes at once.
    fn put(&self, bytes: &[u8]) -> io::Result<usize> {
        match (&self.file).write(&bytes[..bytes.len().min(self.piece)]) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
            written => written,
        }
    }

    /// Whether it would take something within this time.
    fn has_room(&self, time: Duration) -> io::Result<bool> {
        match poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)], poll_timeout(time)) {
            Ok(count) => Ok(count > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Its own size, which need not be that of this process's controlling terminal.
    pub(super) fn area(&self) -> Rect {
        match tcgetwinsize(&self.file).map(|size| (size.ws_col, size.ws_row)) {
            Ok((width @ 1.., height @ 1..)) => {
                Rect { width: width.min(LARGEST), height: height.min(LARGEST), x: 0, y: 0 }
            }
            _ => USUAL,
        }
    }

    fn taken(&self) -> MutexGuard<'_, Option<Taken>> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_a_view(mut mode: Termios) -> Termios {
    mode.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
    mode.input_flags.remove(InputFlags::IXON);
    mode.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    mode.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    mode
}

type OnPanic = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// Has the terminal given back before a panic is told: it would be told on the second screen, and be gone with it.
pub(super) struct Hook {
    before: Arc<OnPanic>,
}

impl Hook {
    pub(super) fn set(tty: &Arc<Tty>) -> Self {
        let before: Arc<OnPanic> = Arc::from(panic::take_hook());
        let (tty, tell, ours) = (Arc::clone(tty), Arc::clone(&before), thread::current().id());
        panic::set_hook(Box::new(move |panic| {
            // The program's other threads panic on their own account.
            if thread::current().id() == ours {
                tty.give_back();
            }
            tell(panic);
        }));
        Self { before }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        // Who panics may not change hooks; and ours does nothing more to a terminal that was given back.
        if !thread::panicking() {
            let before = Arc::clone(&self.before);
            panic::set_hook(Box::new(move |panic| before(panic)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::time::Instant;

    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
    use nix::sys::termios::{FlowArg, tcflow};
    use rustix::termios::{Winsize, tcsetwinsize};

    fn terminal() -> (PtyMaster, File) {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a terminal");
        grantpt(&master).expect("ours");
        unlockpt(&master).expect("ours");
        let slave = File::options().read(true).write(true).open(ptsname_r(&master).expect("a name")).expect("there");
        (master, slave)
    }

    fn written(master: &mut PtyMaster) -> String {
        let mut bytes = [0; 4096];
        let count = master.read(&mut bytes).expect("something");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    fn taken(slave: &File) -> Tty {
        let tty = Tty::behind(slave.try_clone().expect("a descriptor"));
        tty.take().expect("taken");
        tty
    }

    const GIVEN_BACK: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

    #[test]
    #[cfg_attr(miri, ignore = "a terminal")]
    fn it_is_given_back_as_it_was_found_and_once() {
        let (mut master, slave) = terminal();
        let found = tcgetattr(&slave).expect("its mode");
        let tty = Tty::behind(slave.try_clone().expect("a descriptor"));
        for _ in 0..2 {
            tty.take().expect("taken");
            // Again, as after a stop that nobody asked for.
            tty.take().expect("taken");
            let taken = tcgetattr(&slave).expect("its mode");
            assert!(!taken.local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO));
            assert!(taken.local_flags.contains(LocalFlags::ISIG));
            tty.send().expect("sent");
            assert_eq!(written(&mut master), "\x1b[?1049h\x1b[?25l");
            tty.give_back();
            tty.give_back();
            assert_eq!(tcgetattr(&slave).expect("its mode"), found);
            assert_eq!(written(&mut master), GIVEN_BACK);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "a terminal")]
    fn a_panic_gives_it_back_before_it_is_told() {
        let (mut master, slave) = terminal();
        let found = tcgetattr(&slave).expect("its mode");
        let tty = Arc::new(Tty::behind(slave.try_clone().expect("a descriptor")));
        let told = Arc::new(Mutex::new(None));
        let (seen, on, here) = (Arc::clone(&told), slave.try_clone().expect("a descriptor"), thread::current().id());
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().id() == here {
                *seen.lock().expect("unharmed") = tcgetattr(&on).ok();
            } else {
                before(panic);
            }
        }));
        let panicked = panic::catch_unwind(|| {
            let _hook = Hook::set(&tty);
            tty.take().expect("taken");
            tty.send().expect("sent");
            panic!("in the middle of a picture");
        });
        let _ = panic::take_hook();
        assert!(panicked.is_err());
        assert_eq!(told.lock().expect("unharmed").as_ref(), Some(&found), "what the one who tells of it finds");
        assert!(written(&mut master).ends_with(GIVEN_BACK));
    }

    #[test]
    #[cfg_attr(miri, ignore = "a terminal")]
    fn one_that_takes_nothing_holds_nobody_and_gets_its_mode_back() {
        let (mut master, slave) = terminal();
        let found = tcgetattr(&slave).expect("its mode");
        for piece in [usize::MAX, 1] {
            let tty = Tty { piece, ..taken(&slave) };
            tty.send().expect("sent");
            assert_eq!(written(&mut master), "\x1b[?1049h\x1b[?25l");
            tcflow(&slave, FlowArg::TCOOFF).expect("halted");
            tty.add(&[b'x'; 100]);
            tty.send().expect("nothing taken, and that is no error");
            assert!(tty.unsent().is_some());
            let begun = Instant::now();
            tty.give_back();
            assert!(begun.elapsed() >= LAST_WORDS);
            assert_eq!(tcgetattr(&slave).expect("its mode"), found);
            tcflow(&slave, FlowArg::TCOON).expect("going on");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "a terminal")]
    fn a_picture_that_nobody_reads_is_sent_when_somebody_does() {
        const MORE_THAN_IT_HOLDS: usize = 1 << 18;
        let (mut master, slave) = terminal();
        // Also with a description of others that is set not to wait.
        fcntl(&slave, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK)).expect("set");
        let tty = taken(&slave);
        tty.add(&vec![b'x'; MORE_THAN_IT_HOLDS]);
        tty.send().expect("sent in part");
        let mut seen = 0;
        while seen < MORE_THAN_IT_HOLDS {
            assert!(tty.unsent().is_some() || seen > 0);
            seen += written(&mut master).matches('x').count();
            tty.send().expect("sent");
        }
        assert!(tty.unsent().is_none());
    }

    #[test]
    #[cfg_attr(miri, ignore = "a terminal")]
    fn its_size_is_its_own_the_usual_one_if_it_knows_none_and_bounded() {
        let (_master, slave) = terminal();
        let tty = Tty::behind(slave.try_clone().expect("a descriptor"));
        for ((columns, rows), expected) in
            [((0, 0), (80, 24)), ((0, 9), (80, 24)), ((61, 9), (61, 9)), ((u16::MAX, u16::MAX), (1000, 1000))]
        {
            let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
            tcsetwinsize(&slave, size).expect("set");
            assert_eq!((tty.area().width, tty.area().height), expected);
        }
    }
}
