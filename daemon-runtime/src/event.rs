//! The runtime's own events, with the feature `tracing`: they go to the subscriber that the program has set, if it has. No logger
//! is set here, and without the feature nothing of this is built.
//!
//! All of them are of the daemon: what there is to tell of the launcher stands at the terminal. None comes from a signal's
//! handler, or while a lock of ours is held. A subscriber that panics loses the event, and nothing else is lost.

#[cfg(feature = "tracing")]
use std::{
    convert::Infallible,
    sync::{
        OnceLock,
        mpsc::{RecvTimeoutError, channel},
    },
    time::Duration,
};

#[cfg(feature = "tracing")]
use tracing::level_filters::LevelFilter;

#[cfg(feature = "tracing")]
use crate::sys::thread;

#[cfg(feature = "tracing")]
static NAME: OnceLock<String> = OnceLock::new();

/// From here on this process is a daemon of this name. It can be but one in its life that tells of itself.
#[cfg(feature = "tracing")]
pub(crate) fn tells_as(name: &str) {
    NAME.get_or_init(|| name.to_owned());
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn tells_as(_name: &str) {}

/// How long a thread that must not stand still waits for who listens.
#[cfg(feature = "tracing")]
const MOMENT: Duration = Duration::from_millis(100);

/// Has it told by another thread: who listens may hang for what the worker holds, a lock on stdout above all, and the worker
/// may let go of it only when it has heard of what is told here. What is told later mostly comes later all the same.
#[cfg(feature = "tracing")]
pub(crate) fn told_apart(tell: impl FnOnce() + Send + 'static) {
    if LevelFilter::current() < LevelFilter::INFO {
        return;
    }
    let (has_told, told) = channel::<Infallible>();
    let apart = thread::begin(c"events", move || {
        tell();
        drop(has_told);
    });
    let Ok(apart) = apart else { return };
    if told.recv_timeout(MOMENT) == Err(RecvTimeoutError::Disconnected) {
        apart.join();
    }
}

/// The name that every event has.
#[cfg(feature = "tracing")]
pub(crate) fn name() -> &'static str {
    NAME.get().map_or("", String::as_str)
}

/// An event: its level, its name, and what it tells besides the daemon's name and pid.
#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $event:literal $(, $field:ident = $value:expr)*) => {
        let tell = ::std::panic::AssertUnwindSafe(|| {
            ::tracing::event!(
                target: "daemon_runtime",
                ::tracing::Level::$level,
                name = $crate::event::name(),
                pid = ::std::process::id(),
                $($field = $value,)*
                $event
            );
        });
        // The panic hook has told it.
        let _ = ::std::panic::catch_unwind(tell);
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($($nothing:tt)*) => {};
}

pub(crate) use event;
