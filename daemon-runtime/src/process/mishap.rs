//! What goes wrong in the user's code: panics, caught and put into words, and the line on stderr that tells of it; and the line
//! on a log that tells what is wrong with it.

use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use super::end;
use super::relay::{self, Which};
use crate::sys::again::again;
use crate::sys::file_size::told_by_error;

// Not by `eprintln!`, which panics where stderr cannot be written to, and writes a line in pieces.
pub(crate) fn report(line: &str) {
    let line = format!("{}\n", marked(Which::Err, line));
    let _ = told_by_error(|| io::stderr().write_all(line.as_bytes()));
}

/// The same on a stream of the daemon's, past the buffer, whose lock the worker may hold for as long as it likes.
pub(crate) fn report_on(which: Which, line: &str) {
    let line = format!("{}\n", marked(which, line));
    let write = || match which {
        Which::Out => again(|| nix::unistd::write(io::stdout().as_fd(), line.as_bytes())),
        Which::Err => again(|| nix::unistd::write(io::stderr().as_fd(), line.as_bytes())),
    };
    let _ = told_by_error(write);
}

/// The same with the priority that the journal and syslog know an error or a warning by, at the beginning of each line of it;
/// sd-daemon(3), `SD_ERR` and `SD_WARNING`. Anywhere else it is as it is.
fn marked(which: Which, text: &str) -> Cow<'_, str> {
    let is_systems = relay::is_systems(which)
        || match which {
            Which::Out => relay::is_journal(&io::stdout()),
            Which::Err => relay::is_journal(&io::stderr()),
        };
    if is_systems { with_priority(text).into() } else { text.into() }
}

fn with_priority(text: &str) -> String {
    let priority = if text.starts_with("error:") { 3 } else { 4 };
    let lines = text.lines().map(|line| format!("<{priority}>{line}"));
    lines.collect::<Vec<_>>().join("\n")
}

thread_local! {
    /// The text and the place of this thread's last panic.
    static LAST_PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs anything; a panic comes back as its text and place.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|payload| LAST_PANIC.take().unwrap_or_else(|| text_of(payload.as_ref()).to_owned()))
}

/// The text and the place of the panic that this thread is unwinding from.
pub(crate) fn panic_in_progress() -> Option<String> {
    std::thread::panicking().then(|| LAST_PANIC.take().unwrap_or_default())
}

/// Keeps the text and the place of a panic, which are known in the panic hook only, and leaves the rest to the hook that
/// was there before. Where a panic aborts, this is also the last moment for the end of the daemon.
pub(crate) fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            let told = in_words(info);
            if cfg!(panic = "abort") {
                end::before_abort(&told);
            }
            LAST_PANIC.set(Some(told));
        }));
    });
}

fn in_words(info: &PanicHookInfo<'_>) -> String {
    let text = text_of(info.payload());
    match info.location() {
        Some(place) => format!("{text} ({}:{}:{})", place.file(), place.line(), place.column()),
        None => text.to_owned(),
    }
}

fn text_of(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_an_error_or_a_warning_has_its_priority() {
        assert_eq!(with_priority("error: the tick panicked: one\ntwo"), "<3>error: the tick panicked: one\n<3>two");
        assert_eq!(with_priority("warning: it is late"), "<4>warning: it is late");
    }

    #[test]
    fn what_goes_to_no_log_of_the_systems_is_as_it_is() {
        assert_eq!(marked(Which::Err, "error: no"), "error: no");
    }
}
