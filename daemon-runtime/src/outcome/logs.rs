//! The lines of logs, as tail(1) shows them: the bytes as they are, below a title where there are several logs.

use std::ffi::OsStr;
use std::io::{self, Stdout};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::print::{has_colours, pass, warn};
use super::terminal::{Terminal, fail};
use crate::action::logs::{Audience, Remark};
use crate::error::shown;

/// What of logs was shown so far.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// How many logs there are.
    logs: usize,
    titles: usize,
}

impl Audience for Terminal {
    fn expect(&mut self, count: usize) {
        self.pages.logs = count;
    }

    fn title(&mut self, name: &OsStr) -> io::Result<()> {
        if self.pages.logs < 2 {
            return Ok(());
        }
        let space: &[u8] = if self.pages.titles == 0 { b"" } else { b"\n" };
        self.pages.titles += 1;
        // One that is no text is told byte by byte, as tail(1) does.
        let plain = shown(Path::new(name));
        let name = if name.to_str().is_some() { plain.as_bytes() } else { name.as_bytes() };
        pass(&[space, b"==> ", name, b" <==\n"].concat())
    }

    fn lines(&mut self, bytes: &[u8]) -> io::Result<()> {
        pass(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        pass(b"")
    }

    fn remark(&mut self, remark: &Remark<'_>) {
        match remark {
            Remark::Empty(path) => warn(&format!("there is nothing in {} yet", shown(path))),
            Remark::Awaited(path) => warn(&format!("{} is not there yet, and is waited for", shown(path))),
            Remark::Failed(error) => fail(error),
        }
    }

    fn output(&self) -> Option<Stdout> {
        Some(io::stdout())
    }

    fn is_coloured(&self) -> bool {
        has_colours(&io::stdout())
    }
}
