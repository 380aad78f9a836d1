//! The terminal while the view is on it: taken, and given back as it was found, whatever ends the view.
//!
//! Its mode is changed as little as can be: keys come one by one and are not echoed, and Ctrl-S does not halt the view. Pictures
//! go to the terminal's second screen, as fast as it takes them.

mod tty;

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::sync::Arc;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::queue;
use ratatui::crossterm::terminal::{Clear, ClearType};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use self::tty::{Hook, Tty};

/// The terminal, taken. Dropped, it is given back.
pub(super) struct Screen {
    tty: Arc<Tty>,
    /// None where what is on the screen is not known.
    pictures: Option<Pictures>,
    _hook: Hook,
}

impl Screen {
    /// Takes the terminal that is stdout.
    pub(super) fn take() -> io::Result<Self> {
        io::stdout().flush()?;
        Self::on(io::stdout().as_fd().try_clone_to_owned()?.into())
    }

    fn on(file: File) -> io::Result<Self> {
        let tty = Arc::new(Tty::behind(file));
        let hook = Hook::set(&tty);
        // From here on it is given back, also if the rest fails.
        let screen = Self { pictures: None, tty, _hook: hook };
        screen.tty.take()?;
        Ok(screen)
    }

    /// Takes it after it was given back, or after whoever stopped this process may have used it.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        self.tty.take()?;
        self.anew();
        Ok(())
    }

    /// The next picture is drawn on an empty screen.
    pub(super) fn anew(&mut self) {
        self.pictures = None;
    }

    /// Nothing happens if it was given back already, and a terminal that is gone wants nothing back.
    pub(super) fn give_back(&self) {
        self.tty.give_back();
    }

    /// A picture of the size that the terminal has now, to be sent.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let area = self.tty.area();
        let known = self.pictures.take().filter(|pictures| pictures.area == area);
        let pictures = if let Some(known) = known {
            known
        } else {
            let mut bytes = Vec::new();
            queue!(bytes, Clear(ClearType::All))?;
            self.tty.add(&bytes);
            Pictures::new(area)?
        };
        self.tty.add(&self.pictures.insert(pictures).make(picture)?);
        Ok(())
    }

    /// Sends what the terminal takes now.
    pub(super) fn send(&self) -> io::Result<()> {
        self.tty.send()
    }

    /// The descriptor to wait for, while there is something to send.
    pub(super) fn unsent(&self) -> Option<BorrowedFd<'_>> {
        self.tty.unsent()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Where pictures are made: each is what must be written to turn the one before into it.
struct Pictures {
    area: Rect,
    page: Page,
    terminal: Terminal<CrosstermBackend<Page>>,
}

impl Pictures {
    /// The first one is made on an empty screen.
    fn new(area: Rect) -> io::Result<Self> {
        let page = Page::default();
        let backend = CrosstermBackend::new(page.clone());
        let viewport = Viewport::Fixed(area);
        Ok(Self { area, page, terminal: Terminal::with_options(backend, TerminalOptions { viewport })? })
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
