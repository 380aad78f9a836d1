//! Writing to the standard streams, with colours where they belong.

use std::io::{self, ErrorKind, Write};

use anstream::adapter::strip_str;
use anstream::stream::RawStream;
use anstyle::AnsiColor;
use anstyle_query::{no_color, term_supports_ansi_color};

use crate::error::words;
use crate::sys::file_size::told_by_error;

#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Out,
    Err,
}

/// Writes it. A terminal that is gone, a closed pipe or a full disk must not turn a daemon that runs into a failure: the exit
/// code stays, and what stdout does not take is told on stderr.
pub(super) fn print(stream: Stream, text: &str) {
    if let (Stream::Out, Err(e)) = (stream, try_print(stream, text)) {
        warn(&format!("cannot write to stdout: {}", words(&e)));
    }
}

/// Writes it to stdout, where it is all that was asked for; an error is left to be told.
pub(super) fn print_wholly(text: &str) -> io::Result<()> {
    try_print(Stream::Out, text)
}

fn try_print(stream: Stream, text: &str) -> io::Result<()> {
    let written = told_by_error(|| match stream {
        Stream::Out => put(io::stdout(), text),
        Stream::Err => {
            let _ = io::stdout().flush();
            put(io::stderr(), text)
        }
    });
    match (stream, written) {
        // Who has closed the pipe does not want to know.
        (Stream::Out, Err(e)) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        (_, written) => written,
    }
}

/// A warning, on stderr.
pub(super) fn warn(text: &str) {
    let style = AnsiColor::Yellow.on_default().bold();
    print(Stream::Err, &format!("{style}warning:{style:#} {text}\n"));
}

/// Writes bytes of others' to stdout as they are, and all that was written before.
pub(super) fn pass(bytes: &[u8]) -> io::Result<()> {
    told_by_error(|| {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    })
}

/// Whether colours belong there: nowhere but on a terminal, whatever else the environment says.
pub(super) fn has_colours(to: &impl RawStream) -> bool {
    to.is_terminal() && term_supports_ansi_color() && !no_color()
}

fn put(mut to: impl RawStream, text: &str) -> io::Result<()> {
    if has_colours(&to) {
        to.write_all(text.as_bytes())?;
    } else {
        to.write_all(strip_str(text).to_string().as_bytes())?;
    }
    to.flush()
}
