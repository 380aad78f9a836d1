//! Unix daemons that tell the truth: `start`, `stop`, `restart`, `reload`, `status`, `logs` and `run` from one attribute.
//!
//! ```no_run
//! use daemon_runtime::{Context, daemon};
//! use std::time::Duration;
//!
//! /// Says hello once a second.
//! #[daemon(pidfile = "~/greeter.pid", stdout = "~/greeter.log")]
//! fn greeter(ctx: &Context) {
//!     while !ctx.wait(Duration::from_secs(1)) {
//!         println!("hello");
//!     }
//! }
//!
//! fn main() -> daemon_runtime::Outcome {
//!     greeter(std::env::args_os())
//! }
//! ```
//!
//! The attribute replaces the function by a dispatcher of the same name, which takes an action and does it:
//! `greeter("start")`, `greeter("status")`, or a whole command line as above. [`repeat_daemon`] does the same for a body
//! that is to run again and again. Everything that an attribute can say, the builder [`Daemon`] can, without a macro.
//!
//! # Ways in
//!
//! - A function with an attribute: [`macro@daemon`], [`macro@repeat_daemon`]. With the feature `tokio` it may be `async`.
//! - A closure, or another program: [`Daemon::new`], [`Daemon::repeat`], [`Daemon::exec`], with [`dispatch`](Daemon::dispatch)
//!   for a command line, or [`start`](Daemon::start), [`stop`](Daemon::stop) and the others for values.
//! - The middle of a program: [`Daemon::here`] with [`detach`](Daemon::detach), which returns in the daemon, or
//!   [`launch`](Daemon::launch), which returns in both.
//! - Only the right to be the one: [`PidFile`].
//! - An application with paths, as python-daemon's documents have it: [`ServiceRunner`].
//!
//! What happens on the way, and where it can be joined, stands at [`Stage`]; what a worker can ask of its daemon, at
//! [`Context`].
//!
//! # Features
//!
//! - `cli` (default): command lines with options, help and suggestions, by clap; `Args` for a worker's own flags. Without it
//!   an action is its name, and an option is refused with exit code 2.
//! - `fields` (default): what [`StatusOptions::fields`] takes beyond the usual ones.
//! - `manual` (default; needs `cli`): the actions `completions` and `man`, `Daemon::completions` and `Daemon::man`.
//! - `since` (default): [`LogsOptions::since`], and `logs --since` on the command line.
//! - `watch`: `status --watch`, a view with graphs; see [`StatusOptions::watch`].
//! - `tokio`: `async fn` workers, and `block_on`.
//! - `tracing`: the daemon's stages, signals, ticks, its being ready and its shutdown are events of the target
//!   `daemon_runtime`, for the subscriber that the program has set, or, by tracing's own feature `log`, for its logger.
//!
//! # What is hard about it
//!
//! A process that puts itself into the background has three lives, one word for each here: the *launcher* is what the user
//! ran, the *session leader* lives between the two forks, the *daemon* is what stays. The user sees only the launcher, so
//! the launcher must know: it forks, listens on a channel, and does not return before the daemon is ready, or has failed and
//! is gone with all that it left. The daemon must be found again later, though its number may by then belong to a stranger:
//! so the kernel is asked who holds the lock on the pidfile, and nobody else is ever signalled.
//!
//! # Limits
//!
//! Linux 5.4 and later. A process with more than one thread is not forked, but refused; with [`Detach::Exec`] its program is
//! begun anew instead. `SIGKILL` and a crash leave a pidfile behind; the next action sees that nobody vouches for it. Where
//! the C library is not glibc, `on_shutdown` is not told the code of a `process::exit` (it gets -1).
//!
#![doc = include_str!("../doc/features.md")]
#![doc = include_str!("../doc/migration.md")]
#![cfg_attr(not(test), warn(clippy::expect_used))]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

mod action;
mod asked;
mod asynchronous;
#[cfg(feature = "cli")]
mod cli;
mod context;
mod error;
mod event;
mod face;
mod folder;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod handover;
mod manager;
mod outcome;
mod pidfile;
mod process;
mod schedule;
mod service;
mod spec;
mod sys;
mod verbs;

#[cfg(feature = "manual")]
pub use action::Shell;
pub use action::{
    Action, Answer, Asked, Detached, FailedTick, IntoAction, LastTick, Launch, Lines, LogLines, LogsOptions, NextTick,
    OrderOptions, Ordered, RecentTick, Reload, Restart, Run, RunningTick, Start, StartOptions, State, Status,
    StatusOptions, Stop, StopOptions, Ticks, Unit, UnitFile, UnitKind, UnitOptions, UnitScope, Vitals,
};
#[cfg(feature = "tokio")]
pub use asynchronous::block_on;
pub use context::{Context, Shutdown, Tick};
pub use daemon_macros::{daemon, repeat_daemon};
pub use error::Error;
pub use manager::Socket;
pub use outcome::Outcome;
pub use pidfile::PidFile;
pub use service::{Application, Served, ServiceRunner, ServiceRunnerError};
pub use spec::Daemon;
pub use spec::account::Account;
pub use spec::expand::{Template, expand};
#[cfg(feature = "cli")]
pub use spec::flags::Args;
pub use spec::hook::{HookResult, IntoHook};
pub use spec::setting::{CloseFds, Detach, IntoSetting, Missed, OnError, Output, Readiness, Setting, Umask};
pub use spec::signal::{IntoSignalAction, Signal, SignalAction};
pub use spec::stage::Stage;
pub use spec::stream::Stream;
pub use spec::worker::{Ending, IntoBody, IntoEnding, IntoWorker};

#[doc(hidden)]
pub mod __private {
    //! For the attributes' expansions only: no part of the contract.
    #[cfg(not(feature = "tokio"))]
    pub use crate::asynchronous::never_built;
    pub use crate::spec::worker::{ByDisplay, ByEnding, ByTermination, Returned};
}
