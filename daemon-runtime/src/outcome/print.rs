//! Writing to the standard streams, with colours where they belong.

use std::io::{self, Write};

use anstream::adapter::strip_str;
use anstream::stream::RawStream;
use anstyle_query::{no_color, term_supports_ansi_color};

use crate::sys::file_size::told_by_error;

#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Out,
    Err,
}

// A terminal that is gone, a closed pipe or a full disk must not turn a daemon that runs into a failure: what cannot be
// written is not.
pub(super) fn print(stream: Stream, text: &str) {
    let _ = told_by_error(|| match stream {
        Stream::Out => put(io::stdout(), text),
        Stream::Err => {
            let _ = io::stdout().flush();
            put(io::stderr(), text)
        }
    });
}

fn put(mut to: impl RawStream, text: &str) -> io::Result<()> {
    // Elsewhere than on a terminal there are no colours, whatever else the environment says.
    let colours = to.is_terminal() && term_supports_ansi_color() && !no_color();
    if colours {
        to.write_all(text.as_bytes())?;
    } else {
        to.write_all(strip_str(text).to_string().as_bytes())?;
    }
    to.flush()
}
