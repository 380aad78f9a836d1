//! The session leader: it makes the session, forks the daemon, stays until the launcher has its answer, and goes.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, setsid};

use super::daemon::{self, Kit};
use super::stages::{Failure, Stage};
use super::startup::{DaemonEnd, Word};
use super::streams;
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::sys::fork::{Side, SingleThreaded, fork};
use crate::sys::pidfd::PidFd;
use crate::sys::{descriptor, disposition, exit};

/// The life of the session leader, from the first fork to its end, and of the daemon that it forks.
pub(crate) fn live(spec: &Spec, plan: &Plan, kit: Kit, channel: DaemonEnd, single: SingleThreaded) -> ! {
    match detach(single) {
        Ok(Side::Child) => daemon::live(spec, plan, kit, channel),
        Ok(Side::Parent(pid)) => stay(kit, channel, pid),
        Err(failure) => {
            channel.say(&daemon::failed(&failure));
            exit::at_once(1)
        }
    }
}

fn detach(single: SingleThreaded) -> Result<Side, Failure> {
    let at = |stage| move |source| (stage, source);
    setsid().map_err(|e| (Stage::Detach, e.into()))?;
    // Until there was a new session, a hang-up of the launcher's terminal could reach us. It is blocked still, and was not
    // meant for the daemon.
    disposition::forget_pending(Signal::SIGHUP).map_err(at(Stage::Detach))?;
    fork(single).map_err(at(Stage::Detach))
}

fn stay(kit: Kit, channel: DaemonEnd, daemon: Pid) -> ! {
    let handle = match PidFd::open(daemon.as_raw()) {
        Ok(handle) => handle,
        Err(source) => {
            channel.say(&daemon::failed(&(Stage::SessionLeader, source)));
            // It is our child, and nobody has waited for it: the number can mean nobody else.
            let _ = nix::sys::signal::kill(daemon, Signal::SIGKILL);
            let _ = waitpid(daemon, None);
            exit::at_once(1)
        }
    };
    // The launcher's pipes must close when the launcher goes, and the claim is the daemon's.
    streams::discard();
    let drain = kit.streams.into_drain();
    drop((kit.pidfile, kit.prepared));
    channel.introduce(daemon.as_raw(), &handle);
    if daemon_ends_first(&handle, &channel) {
        channel.say(&Word::Ended { status: wait_status(daemon) });
    }
    // The launcher waits for this: nothing more is to come.
    drop(channel);
    if let Some(pipe) = drain {
        read_empty(&pipe);
    }
    exit::at_once(0)
}

/// Waits for the end of the daemon or of the launcher's interest; true if it is the daemon's.
fn daemon_ends_first(handle: &PidFd, channel: &DaemonEnd) -> bool {
    loop {
        let daemon = PollFd::new(handle.as_fd(), PollFlags::POLLIN);
        // Not for the launcher's words, which are the daemon's to read, but for the end of them.
        let launcher = PollFd::new(channel.as_fd(), PollFlags::from_bits_retain(nix::libc::POLLRDHUP));
        let mut fds = [daemon, launcher];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) if fds[0].any() == Some(true) => return true,
            // nix does not know this event's bit, and says `None` when it comes.
            Ok(_) if fds[1].any() != Some(false) => return false,
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    }
}

/// The wait status as waitpid(2) writes it.
fn wait_status(daemon: Pid) -> i32 {
    use nix::sys::wait::WaitStatus;
    match waitpid(daemon, Some(WaitPidFlag::empty())) {
        Ok(WaitStatus::Exited(_, code)) => code << 8,
        Ok(WaitStatus::Signaled(_, signal, _)) => signal as i32,
        _ => 0xff << 8,
    }
}

/// A child that the worker started before it was ready may have the pipe as its stderr for as long as it lives. It must
/// neither block on a full pipe nor die of a closed one, so somebody reads on; as an orphan, so that nobody waits for it.
fn read_empty(pipe: &OwnedFd) {
    if ends_soon(pipe) || !orphaned() {
        return;
    }
    // Alone from here on: no part of the daemon's session, and with nothing open that anybody could wait for.
    let _ = setsid();
    let _ = nix::unistd::chdir("/");
    let others = descriptor::open().unwrap_or_default().into_iter().filter(|fd| *fd != pipe.as_raw_fd());
    others.for_each(descriptor::close);
    let mut bytes = [0_u8; 4096];
    while matches!(nix::unistd::read(pipe, &mut bytes), Ok(1..) | Err(nix::errno::Errno::EINTR)) {}
}

/// Whether nobody can write to it any more, now or in a moment: the daemon itself is about to let go of it.
fn ends_soon(pipe: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::from(100_u8)).is_ok()
        && fds[0].revents().is_some_and(|r| r.contains(PollFlags::POLLHUP))
}

fn orphaned() -> bool {
    let side = SingleThreaded::prove().map_err(|_| io::ErrorKind::Other.into()).and_then(fork);
    matches!(side, Ok(Side::Child))
}
