//! The terminal while the view is on it: taken, and given back as it was found, whatever ends the view.
//!
//! Its mode is changed as little as can be: keys come one by one and are not echoed, and Ctrl-S does not halt the view. Pictures
//! go to the terminal's second screen, each of them in one piece.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::os::fd::AsFd;
use std::panic::{self, PanicHookInfo};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::sys::termios::{InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::queue;
use ratatui::crossterm::style::{Attribute, SetAttribute};
use ratatui::crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, size};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

/// What a terminal that does not know its size is taken to have.
const USUAL: Rect = Rect { x: 0, y: 0, width: 80, height: 24 };

/// The terminal, taken. Dropped, it is given back.
pub(super) struct Screen {
    tty: Arc<Tty>,
    pictures: Pictures,
    _hook: Hook,
}

impl Screen {
    /// Takes the terminal that is stdout.
    pub(super) fn take() -> io::Result<Self> {
        io::stdout().flush()?;
        Self::on(io::stdout().as_fd().try_clone_to_owned()?.into())
    }

    fn on(file: File) -> io::Result<Self> {
        let tty = Arc::new(Tty { file, found: Mutex::new(None) });
        let hook = Hook::set(&tty);
        // From here on it is given back, also if the rest fails.
        let screen = Self { pictures: Pictures::new()?, tty, _hook: hook };
        screen.tty.take()?;
        Ok(screen)
    }

    /// Takes it after it was given back, or after whoever stopped this process may have used it.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        self.tty.take()?;
        self.pictures = Pictures::new()?;
        Ok(())
    }

    /// Nothing happens if it was given back already, and a terminal that is gone wants nothing back.
    pub(super) fn give_back(&self) {
        self.tty.give_back();
    }

    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let bytes = self.pictures.make(picture)?;
        (&self.tty.file).write_all(&bytes)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.give_back();
    }
}

struct Tty {
    file: File,
    /// The mode that it had, while it is taken.
    found: Mutex<Option<Termios>>,
}

impl Tty {
    fn take(&self) -> io::Result<()> {
        let mut found = self.found();
        let before = match &*found {
            Some(before) => before.clone(),
            None => tcgetattr(&self.file)?,
        };
        // First, because here a process in the background is stopped, with nothing done.
        tcsetattr(&self.file, SetArg::TCSANOW, &of_a_view(before.clone()))?;
        *found = Some(before);
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, Clear(ClearType::All), Hide)?;
        (&self.file).write_all(&bytes)
    }

    fn give_back(&self) {
        let Some(before) = self.found().take() else { return };
        let mut bytes = Vec::new();
        let _ = queue!(bytes, SetAttribute(Attribute::Reset), Show, LeaveAlternateScreen);
        let _ = (&self.file).write_all(&bytes);
        let _ = tcsetattr(&self.file, SetArg::TCSANOW, &before);
    }

    fn found(&self) -> MutexGuard<'_, Option<Termios>> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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
struct Hook {
    before: Arc<OnPanic>,
}

impl Hook {
    fn set(tty: &Arc<Tty>) -> Self {
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

/// Where pictures are made: each is what must be written to turn the one before into it.
struct Pictures {
    page: Page,
    terminal: Terminal<CrosstermBackend<Page>>,
}

impl Pictures {
    /// The first one is made on an empty screen.
    fn new() -> io::Result<Self> {
        let viewport = match size()? {
            (0, _) | (_, 0) => Viewport::Fixed(USUAL),
            _ => Viewport::Fullscreen,
        };
        let page = Page::default();
        let backend = CrosstermBackend::new(page.clone());
        Ok(Self { page, terminal: Terminal::with_options(backend, TerminalOptions { viewport })? })
    }

    fn make(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<Vec<u8>> {
        self.terminal.draw(picture)?;
        Ok(mem::take(&mut *self.page.0.borrow_mut()))
    }
}

/// Takes whatever is written, so that ratatui never has a terminal that fails: it would tell so on stderr, where that can panic.
#[derive(Debug, Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    use nix::fcntl::OFlag;
    use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};

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

    const GIVEN_BACK: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

    #[test]
    #[cfg_attr(miri, ignore = "a terminal")]
    fn it_is_given_back_as_it_was_found_and_once() {
        let (mut master, slave) = terminal();
        let found = tcgetattr(&slave).expect("its mode");
        let tty = Tty { file: slave.try_clone().expect("a descriptor"), found: Mutex::new(None) };
        for _ in 0..2 {
            tty.take().expect("taken");
            // Again, as after a stop that nobody asked for.
            tty.take().expect("taken");
            let taken = tcgetattr(&slave).expect("its mode");
            assert!(!taken.local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO));
            assert!(taken.local_flags.contains(LocalFlags::ISIG));
            assert!(written(&mut master).starts_with("\x1b[?1049h\x1b[2J\x1b[?25l"));
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
        let tty = Arc::new(Tty { file: slave.try_clone().expect("a descriptor"), found: Mutex::new(None) });
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
            panic!("in the middle of a picture");
        });
        let _ = panic::take_hook();
        assert!(panicked.is_err());
        assert_eq!(told.lock().expect("unharmed").as_ref(), Some(&found), "what the one who tells of it finds");
        assert!(written(&mut master).ends_with(GIVEN_BACK));
    }
}
