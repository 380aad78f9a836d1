//! The program begun anew in the place of itself: the same process, with the same claim.

use std::convert::Infallible;
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, access, chdir, execve, fchdir};

use super::agreement::Agreement;
use super::origin::{Origin, text, texts, with_handover};
use super::relay::{self, Held};
use super::reopen::Logs;
use super::stages::Role;
use super::watcher::Listening;
use crate::context::Cause;
use crate::error::Error;
use crate::handover::{Handover, Part, numbers};
use crate::manager::Manager;
use crate::pidfile::Claimed;
use crate::spec::plan::Plan;
use crate::sys::again::again;
use crate::sys::descriptor::{self, Keep};
use crate::sys::disposition::Mask;
use crate::sys::latch::Latch;

/// What is to be in the next image what it is in this one.
pub(super) struct Daemon<'a> {
    pub(super) origin: &'a Origin,
    pub(super) plan: &'a Plan,
    pub(super) pidfile: &'a Claimed,
    pub(super) role: Role,
    /// Where requests for a shutdown are noted, also those that come too late for this image.
    pub(super) latch: &'a Latch,
    /// What hears the signals in this image.
    pub(super) ear: &'a Listening,
    /// What may just be opened again.
    pub(super) logs: Option<&'a Logs>,
    /// The service manager, if there is one.
    pub(super) manager: Option<&'a Manager>,
}

/// Begins the program anew in the place of this one. Returns only if that fails, and then all is as it was.
pub(super) fn reload(daemon: &Daemon<'_>, asked: Option<Cause>, agreement: &Agreement) -> Error {
    let program = &daemon.origin.program;
    if !agreement.is_daemons() {
        return Error::OfAnother;
    }
    if agreement.channel().is_some() {
        return Error::StartInProgress;
    }
    if asked.is_some() {
        return Error::EndInProgress;
    }
    let _reloading = daemon.manager.map(Manager::reloading);
    // Before anything is changed that other threads could see.
    let begun = access(program, AccessFlags::X_OK).map_err(io::Error::from).and_then(|()| become_again(daemon));
    let source = match begun {
        Ok(never) => match never {},
        Err(source) => source,
    };
    Error::Anew { path: program.clone(), source }
}

fn become_again(daemon: &Daemon<'_>) -> io::Result<Infallible> {
    let Daemon { origin, plan, pidfile, role, latch, ear, logs, manager } = daemon;
    let part = if *role == Role::Foreground { Part::SameForeground } else { Part::SameDaemon };
    let (program, words) = (text(origin.program.as_os_str())?, texts(&origin.words)?);
    let back = Elsewhere::go(&origin.dir)?;
    let _ = io::stdout().flush();
    // A signal that comes in between must not end the next image before it can hear; one that asks for the shutdown is noted.
    let _still = ear.get().map(|ear| ear.hold());
    let _mask = Mask::block(&SigSet::all())?;
    // What was heard until then is done by this image: the next one would not know of it.
    if let Some(logs) = logs {
        logs.finish();
    }
    let held = relay::hold()?;
    let [folder, claim, file] = pidfile.parts();
    let mut parts: Vec<_> = [folder, claim, file, back.0.as_fd(), latch.as_fd()].map(Some).into();
    parts.extend(held.iter().flat_map(Held::fds));
    let record = pidfile.record();
    let mut fds: Vec<_> = parts.iter().copied().flatten().chain(record.map(AsFd::as_fd)).collect();
    let of_manager = manager.map(Manager::fds).unwrap_or_default();
    fds.extend(of_manager.iter().map(AsFd::as_fd));
    let missing = held.as_ref().map(Held::missing).unwrap_or_default();
    let manager = manager.map(Manager::told).unwrap_or_default();
    let record = record.map(AsRawFd::as_raw_fd);
    let handover = Handover { missing, manager, record, ..origin.handover(part, plan, numbers(parts))? };
    let environment = with_handover(env::vars_os().collect(), &handover)?;
    let _open = Open::over_exec(&fds)?;
    Ok(execve(&program, &words, &environment)?)
}

/// In another directory, for as long as this lives. One that cannot be entered is left aside: all paths are absolute.
struct Elsewhere(File);

impl Elsewhere {
    fn go(dir: &Path) -> io::Result<Self> {
        let here = again(|| open(".", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()))?;
        let _ = chdir(dir);
        Ok(Self(File::from(here)))
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // It was our directory a moment ago.
        let _ = fchdir(&self.0);
    }
}

/// Descriptors that exec(2) would leave open, for as long as this lives.
struct Open<'a>(&'a [BorrowedFd<'a>]);

impl<'a> Open<'a> {
    fn over_exec(fds: &'a [BorrowedFd<'a>]) -> io::Result<Self> {
        let open = Self(fds);
        fds.iter().try_for_each(|fd| descriptor::keep_over_exec(fd, Keep::Open))?;
        Ok(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        for fd in self.0 {
            // They are open, so it cannot fail.
            let _ = descriptor::keep_over_exec(fd, Keep::Close);
        }
    }
}
