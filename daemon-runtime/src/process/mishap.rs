//! What goes wrong in the user's code: panics, caught and put into words, and the line on stderr that tells of it; and the line
//! on a log that tells what is wrong with it.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use super::end;
use super::relay::Which;
use crate::sys::again::again;
use crate::sys::file_size::told_by_error;

// Not by `eprintln!`, which panics where stderr cannot be written to, and writes a line in pieces.
pub(crate) fn report(line: &str) {
    let line = format!("{line}\n");
    let _ = told_by_error(|| io::stderr().write_all(line.as_bytes()));
}

/// The same on a stream of the daemon's, past the buffer, whose lock the worker may hold for as long as it likes.
pub(crate) fn report_on(which: Which, line: &str) {
    let line = format!("{line}\n");
    let write = || match which {
        Which::Out => again(|| nix::unistd::write(io::stdout().as_fd(), line.as_bytes())),
        Which::Err => again(|| nix::unistd::write(io::stderr().as_fd(), line.as_bytes())),
    };
    let _ = told_by_error(write);
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
