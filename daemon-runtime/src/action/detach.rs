//! `detach` and `launch`: the caller itself becomes the daemon, and goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::StartOptions;
use super::start::{detaches, on_start, running};
use crate::context::Context;
use crate::error::Error;
use crate::pidfile::record::Subject;
use crate::process::anew::received;
use crate::process::daemon::{self, Arrived};
use crate::process::foreground::{self, Became};
use crate::process::stages::{Failure, Role};
use crate::process::startup::Word;
use crate::process::streams::Listen;
use crate::process::verdict::Launched;
use crate::process::watcher::Watching;
use crate::process::{Observer, end, launcher, mishap, reason, relay, work};
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::spec::stage::Stage;
use crate::sys::exit;

/// The daemon that this process has become, by [`detach`](crate::Daemon::detach) or [`launch`](crate::Daemon::launch).
///
/// Dropped, it is closed: `on_shutdown` is called, once, with what ends it (a panic that is unwinding, a signal that
/// asked for it, or `Shutting down normally`), the pidfile is removed, and streams that were relayed are the files
/// themselves from then on. The same is done, by whichever comes first, at the end of the
/// process and at SIGTERM, SIGINT and SIGQUIT. The process itself may go on.
#[derive(Debug)]
#[must_use = "dropped, the daemon is closed at once"]
pub struct Detached {
    context: Context,
    patience: Arc<AtomicBool>,
    arrived: Box<Arrived>,
    /// Signals are heard for as long as this is kept.
    _watching: Watching,
}

impl Detached {
    /// The daemon's context. Whoever has taken it promises to end in his own time when a shutdown is asked for, as a worker
    /// with a `Context` does; without it, a signal that asks for the shutdown ends the process at once, with code 0.
    pub fn context(&self) -> &Context {
        self.patience.store(true, Ordering::SeqCst);
        &self.context
    }

    /// Says that the daemon is ready: the launcher ends now.
    pub fn ready(&self) {
        self.context.ready();
    }

    /// The daemon's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.context.name()
    }

    /// The daemon's pid, which is the number in the pidfile.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.context.pid()
    }

    /// Closes it, as dropping it does.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        let (reason, code) = match mishap::panic_in_progress() {
            Some(panic) => {
                self.arrived.agreement.tell(&Word::Panicked(panic.clone()));
                (reason::by_panic(&panic), i32::from(work::PANICKED))
            }
            None => (work::why(&self.context), 0),
        };
        self.arrived.agreement.wait_if_said();
        end::conclude(&reason, code);
        end::release();
        relay::end();
    }
}

/// Where the caller is after a [`launch`](crate::Daemon::launch).
#[derive(Debug)]
#[non_exhaustive]
pub enum Launch {
    /// In the launcher, and the daemon is ready.
    Launched {
        /// The daemon's pid.
        pid: i32,
        /// What it wrote to stdout until it was ready, up to the last 64 KiB. Where stdout and stderr are one file, and
        /// not relayed, it stands in `error`.
        output: String,
        /// What it wrote to stderr.
        error: String,
    },
    /// In the launcher, and the daemon has ended well before it was ready.
    Ended {
        /// What it wrote to stdout.
        output: String,
        /// What it wrote to stderr.
        error: String,
    },
    /// In the launcher, and a daemon was running already; nothing was done.
    AlreadyRunning {
        /// Its pid.
        pid: i32,
    },
    /// In the daemon.
    Daemon(Detached),
}

pub(crate) fn launch(spec: &Spec, listen: Listen, observer: &mut dyn Observer) -> Result<Launch, Error> {
    if let Some(arrived) = received(spec)? {
        return detached(spec, Box::new(arrived));
    }
    let plan = Plan::of(spec)?;
    if let Some(daemon) = running(spec, &plan)? {
        return Ok(Launch::AlreadyRunning { pid: daemon.pid });
    }
    on_start(spec)?;
    if !detaches(&plan, &StartOptions::default()) {
        return match foreground::arrive(spec, &plan, Arc::new(|| {}))? {
            Became::Daemon(arrived) => detached(spec, arrived),
            Became::AlreadyRunning(daemon) => Ok(Launch::AlreadyRunning { pid: daemon.pid }),
        };
    }
    match launcher::launch(spec, &plan, listen, observer)? {
        Launched::Ready { pid, texts } => Ok(Launch::Launched { pid, output: texts.stdout, error: texts.stderr }),
        Launched::Ended { texts } => Ok(Launch::Ended { output: texts.stdout, error: texts.stderr }),
        Launched::AlreadyRunning(daemon) => Ok(Launch::AlreadyRunning { pid: daemon.pid }),
        Launched::Daemon(arrived) => detached(spec, arrived),
    }
}

fn detached(spec: &Spec, mut arrived: Box<Arrived>) -> Result<Launch, Error> {
    mishap::install_panic_hook();
    let patience = Arc::new(AtomicBool::new(false));
    match daemon::begin(spec, &arrived, Arc::clone(&patience), Subject::Text) {
        Ok((context, watching)) => {
            // It is the program's main thread that goes on, and it is to hear signals.
            std::mem::forget(arrived.mask.take());
            Ok(Launch::Daemon(Detached { context, patience, arrived, _watching: watching }))
        }
        // The launcher still listens: it tells, and this process is nothing any more.
        Err(source) if arrived.role != Role::Foreground => {
            arrived.agreement.tell(&Word::Undone(Failure::Stage(Stage::Signals, source)));
            end::release();
            exit::at_once(1)
        }
        Err(source) => {
            end::release();
            Err(Error::Signals { source })
        }
    }
}
