//! Why a daemon ended, in the words that `on_shutdown` is given.

use crate::error::signal_name;

/// An end that is nobody's fault.
pub(crate) const NORMALLY: &str = "Shutting down normally";

/// An end by `exit(code)`.
pub(crate) fn with_code(code: i32) -> String {
    format!("Exiting with non-zero exit code {code}")
}

/// An end that a signal asked for.
pub(crate) fn by_signal(signal: i32) -> String {
    format!("Terminated by {}", signal_name(signal))
}

/// The worker's error.
pub(crate) fn by_error(error: &str) -> String {
    format!("Dying due to error: {error}")
}

/// The worker's panic.
pub(crate) fn by_panic(panic: &str) -> String {
    format!("Dying due to panic: {panic}")
}
