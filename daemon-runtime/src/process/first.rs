//! Where this program is PID 1, of a container: it does what the first process must, and the daemon is its child.
//!
//! The kernel makes PID 1 the parent of every orphan, and whoever waits for whatever ends would also take the worker's own
//! children from it, with their exit codes: nothing tells the ones from the others. So the two are parted, as tini(1) and others
//! do. PID 1 waits for all, passes signals on, and ends with the daemon; the daemon waits for its own, and signals that it does
//! not handle mean to it what they mean to any process.

use std::os::fd::{AsFd, AsRawFd};

use nix::libc::SIGCHLD;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, setpgid, tcsetpgrp};

use super::streams;
use crate::error::Error;
use crate::sys::descriptor::close_all_but;
use crate::sys::disposition::{ChildrenStay, Mask};
use crate::sys::exit;
use crate::sys::fork::{Side, Unforked, fork};
use crate::sys::pidfd::PidFd;

/// Goes on in a child where this is PID 1. With more than one thread it cannot, and orphans are not waited for.
pub(super) fn part() -> Result<(), Error> {
    if getpid() != Pid::from_raw(1) {
        return Ok(());
    }
    streams::flush();
    let children = ChildrenStay::begin().map_err(|source| Error::Signals { source })?;
    // From before there is anybody to pass them on to.
    let mask = Mask::block(&SigSet::all()).map_err(|source| Error::Signals { source })?;
    // sigwait(3) would say of a real-time signal only that it has no name.
    let signals = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC);
    let signals = signals.map_err(|e| Error::Signals { source: e.into() })?;
    match fork() {
        Ok(Side::Parent(daemon)) => stand_by(daemon, &signals),
        Ok(Side::Child) => {
            lead_group();
            drop((signals, mask, children));
            Ok(())
        }
        Err(Unforked::Threads(_)) => Ok(()),
        Err(Unforked::Failed(source)) => Err(Error::Detach { step: "fork", source }),
    }
}

/// What a terminal sends goes to one group of processes: it must reach the daemon once, and not once more through PID 1.
fn lead_group() {
    // It fails only for a session leader, which a child is not.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    // Where there is no terminal, there is nobody to tell.
    let _ = tcsetpgrp(std::io::stdin(), getpid());
}

/// The life of PID 1. At its end the kernel ends whoever is left.
fn stand_by(daemon: Pid, signals: &SignalFd) -> ! {
    // It is our child, and nobody has waited for it: the number can mean nobody else.
    let handle = PidFd::open(daemon.as_raw()).ok();
    let ours = [signals.as_raw_fd(), handle.as_ref().map_or(2, |handle| handle.as_fd().as_raw_fd())];
    // What the daemon closes must be closed: who reads its pipes and connections waits for their end. Not so the standard streams,
    // which end with the container anyway: others in it write to its log by /proc/1/fd/1.
    close_all_but([0, 1, 2, ours[0], ours[1]]);
    loop {
        let heard = signals.read_signal().ok().flatten();
        match heard.and_then(|heard| i32::try_from(heard.ssi_signo).ok()) {
            Some(SIGCHLD) => {
                if let Some(code) = wait_for_all(daemon) {
                    exit::at_once(code);
                }
            }
            Some(signal) => pass_on(signal, daemon, handle.as_ref()),
            None => {}
        }
    }
}

/// Where a sandbox lets nobody have handles, those signals are passed on that have a name, which is all but the real-time ones.
fn pass_on(signal: i32, daemon: Pid, handle: Option<&PidFd>) {
    if handle.is_some_and(|handle| handle.signal(signal).is_ok()) {
        return;
    }
    if let Ok(named) = Signal::try_from(signal) {
        let _ = kill(daemon, named);
    }
}

/// Waits for all that have ended; the exit code, if the daemon has.
fn wait_for_all(daemon: Pid) -> Option<i32> {
    let mut code = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == daemon => code = Some(status),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == daemon => code = Some(128 + signal as i32),
            Ok(WaitStatus::StillAlive) | Err(_) => return code,
            Ok(_) => {}
        }
    }
}
