//! Every key that is a list, with every kind of entry.
#![deny(warnings)]

use std::ffi::OsString;
use std::path::PathBuf;

use daemon_runtime::{Outcome, daemon};

mod logs {
    pub(crate) fn reopen() {}
}

#[daemon(
    signals(
        SIGHUP = logs::reopen,
        USR1 = "ignore",
        SIGUSR2 = "terminate",
        SIGTERM = "terminate",
        SIGWINCH = || println!("resized"),
        SIGINT = None,
    ),
    before(
        detach = prepare,
        core_dumps = || println!("soon"),
        chroot = || Ok::<(), String>(()),
        privileges = logs::reopen,
        umask = None,
        workdir = prepare,
        pidfile = prepare,
        signals = prepare,
        descriptors = prepare,
        streams = prepare,
    ),
    after(workdir = prepare, detach = logs::reopen),
    actions(
        /// Empties the cache.
        ///
        /// All of it.
        flush_cache = prepare,
        /** Shows the cache. */
        show = || println!("empty"),
        /// Its own; that of every daemon gives way.
        man = prepare,
        r#move = logs::reopen,
        later = None,
    ),
    env(
        RUST_LOG = "info",
        PORT = port(),
        HOME = PathBuf::from("/srv"),
        LANG = OsString::from("C"),
        r#type = None,
        MAYBE = Some("x"),
    )
)]
fn everything() {}

#[daemon(signals(), before(), after(), actions(), env())]
fn nothing() {}

#[daemon(detach = false, before(umask = prepare, streams = None))]
fn foreground() {}

#[daemon(stop_signal = "SIGINT", signals(SIGTERM = logs::reopen, SIGINT = "terminate"))]
fn stopped_by_another_signal() {}

macro_rules! with {
    ($function:expr, $text:expr, $signal:ident) => {
        #[daemon(signals($signal = $function), after(umask = $function), env(TEXT = $text))]
        fn by_macro() {}
    };
}

with!(logs::reopen, "written out", SIGHUP);

fn prepare() -> Result<(), std::io::Error> {
    Ok(())
}

fn port() -> String {
    "7070".to_owned()
}

fn main() {
    let _: [fn(&'static str) -> Outcome; 5] = [everything, nothing, foreground, stopped_by_another_signal, by_macro];
}
