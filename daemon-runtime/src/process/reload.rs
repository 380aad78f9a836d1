//! The program begun anew in the place of itself: the same process, with the same claim.

use std::convert::Infallible;
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use nix::unistd::{chdir, execve, fchdir};

use super::agreement::Agreement;
use super::handover::{Handover, Part, numbers};
use super::origin::{Origin, Told, text, texts, with_handover};
use super::stages::Role;
use crate::error::Error;
use crate::pidfile::Claimed;
use crate::spec::plan::Plan;
use crate::sys::descriptor::{self, Keep};
use crate::sys::disposition::Mask;

/// Begins the program anew in the place of this one. Returns only if that fails, and then all is as it was.
pub(super) fn reload(origin: &Origin, plan: &Plan, pidfile: &Claimed, role: Role, agreement: &Agreement) -> Error {
    if agreement.channel().is_some() {
        return Error::StartInProgress;
    }
    let part = if role == Role::Foreground { Part::SameForeground } else { Part::SameDaemon };
    let fds = pidfile.parts();
    let handover = Told { part, instance: plan.instance }.handover(origin, plan, numbers(fds.map(Some)));
    let source = match become_again(origin, &handover, &fds) {
        Ok(never) => match never {},
        Err(source) => source,
    };
    Error::Anew { path: origin.program.clone(), source }
}

fn become_again(origin: &Origin, handover: &Handover, fds: &[BorrowedFd<'_>]) -> io::Result<Infallible> {
    let (program, words) = (text(origin.program.as_os_str())?, texts(&origin.words)?);
    let environment = with_handover(env::vars_os().collect(), handover)?;
    let _ = io::stdout().flush();
    // A signal that comes in between is to be heard by the next image, and not to end it before it can hear.
    let _mask = Mask::block(&SigSet::all())?;
    let _back = Elsewhere::go(&origin.dir)?;
    let _open = Open::over_exec(fds)?;
    Ok(execve(&program, &words, &environment)?)
}

/// In another directory, for as long as this lives. One that cannot be entered is left aside: all paths are absolute.
struct Elsewhere(File);

impl Elsewhere {
    fn go(dir: &Path) -> io::Result<Self> {
        let here = open(".", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
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
