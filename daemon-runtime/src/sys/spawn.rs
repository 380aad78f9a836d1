//! Another program as a child of this process, without a fork that would copy it: `posix_spawn(3)`. It is sound in a process
//! with threads, because nothing of ours runs in the child.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getppid};

/// Which session the child is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    /// One that it leads, from its first instruction.
    New,
    /// Ours.
    Same,
}

/// Runs `program` with no signal blocked, with `kept` open under the same numbers, and with these three as its streams.
pub(crate) fn spawn(
    program: &CStr,
    words: &[CString],
    environment: &[CString],
    kept: &[RawFd],
    standard: [RawFd; 3],
    session: Session,
) -> io::Result<Pid> {
    let mut actions = PosixSpawnFileActions::init()?;
    for fd in kept {
        // Onto itself: that is how close-on-exec is cleared in the child alone.
        actions.add_dup2(*fd, *fd)?;
    }
    for (fd, target) in standard.into_iter().zip(0..) {
        actions.add_dup2(fd, target)?;
    }
    let mut flags = PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK;
    if session == Session::New {
        flags |= PosixSpawnFlags::from_bits_retain(libc::POSIX_SPAWN_SETSID.into());
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(flags)?;
    attributes.set_sigmask(&SigSet::empty())?;
    Ok(posix_spawn(program, &actions, &attributes, words, environment)?)
}

/// Has the child that `command` makes killed when the thread that makes it ends, however it ends: prctl(2),
/// `PR_SET_PDEATHSIG`.
pub(crate) fn die_with_us(command: &mut Command) {
    let us = std::process::id();
    // SAFETY: between fork and exec it makes two system calls, and neither allocates nor takes a lock.
    unsafe { command.pre_exec(move || in_child(us)) };
}

fn in_child(parent: u32) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    // Asked afterwards: it may have ended before it was set.
    match u32::try_from(getppid().as_raw()) {
        Ok(now) if now == parent => Ok(()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::allocations;

    #[test]
    #[cfg_attr(miri, ignore = "prctl(2)")]
    fn nothing_is_allocated_between_fork_and_exec() {
        let parent = u32::try_from(getppid().as_raw()).expect("a pid");
        for (parent, is_ours) in [(parent, true), (0, false)] {
            let allocations = allocations::during(|| assert_eq!(in_child(parent).is_ok(), is_ours));
            assert_eq!(allocations, 0);
        }
        set_pdeathsig(None).expect("this is no child that is to die");
    }
}
