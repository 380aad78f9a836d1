//! One action for several daemons at the same time: a process for each of them.

use std::io::Write;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::sys::disposition::{ChildrenStay, Mask, is_ignored};
use crate::sys::exit;
use crate::sys::fork::{Side, SingleThreaded, fork};
use crate::sys::pidfd::PidFd;

/// Has `act` done for 0 to `count` - 1, and returns the exit codes in this order. In a process with threads, which must not
/// be forked, one after the other.
pub(crate) fn each(count: u32, mut act: impl FnMut(u32) -> u8) -> Vec<u8> {
    let Ok(single) = SingleThreaded::prove() else { return (0..count).map(act).collect() };
    // Before the fork, so that what stands in the buffers comes out once.
    let _ = std::io::stdout().flush();
    let (Ok(_children), Ok((_mask, interrupts))) = (ChildrenStay::begin(), interrupts()) else {
        return (0..count).map(act).collect();
    };
    let members: Vec<_> = (0..count)
        .map(|n| match fork(single) {
            Ok(Side::Parent(pid)) => Member::Child(pid, PidFd::open(pid.as_raw()).ok()),
            Ok(Side::Child) => {
                // Each has its own way with interrupts.
                let _ = crate::sys::disposition::unblock_all();
                exit::at_once(i32::from(act(n)))
            }
            Err(_) => Member::Done(act(n)),
        })
        .collect();
    pass_on(&interrupts, &members);
    members.into_iter().map(Member::code).collect()
}

/// Who does it for one of them.
enum Member {
    Child(Pid, Option<PidFd>),
    /// It was done here, because there could be no child.
    Done(u8),
}

impl Member {
    fn has_ended(&self) -> bool {
        match self {
            Self::Child(_, Some(handle)) => handle.has_ended(),
            _ => true,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Done(code) => code,
            Self::Child(pid, _) => loop {
                match waitpid(pid, None) {
                    Err(nix::errno::Errno::EINTR) => {}
                    Ok(WaitStatus::Exited(_, code)) => return u8::try_from(code).unwrap_or(1),
                    Ok(WaitStatus::Signaled(_, signal, _)) => return u8::try_from(128 + signal as i32).unwrap_or(1),
                    _ => return 1,
                }
            },
        }
    }
}

fn interrupts() -> std::io::Result<(Mask, SignalFd)> {
    let wanted: SigSet =
        [Signal::SIGINT, Signal::SIGTERM].into_iter().filter(|signal| !is_ignored(*signal as i32)).collect();
    let mask = Mask::block(&wanted)?;
    Ok((mask, SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?))
}

/// Waits for all of them. An interrupt that a process has sent to this one is meant for all; one of the terminal's has
/// reached them by itself.
fn pass_on(interrupts: &SignalFd, members: &[Member]) {
    loop {
        let waiting: Vec<_> = members.iter().filter(|member| !member.has_ended()).collect();
        let handles: Vec<&PidFd> = waiting
            .iter()
            .filter_map(|member| match member {
                Member::Child(_, handle) => handle.as_ref(),
                Member::Done(_) => None,
            })
            .collect();
        if handles.is_empty() {
            return;
        }
        let mut fds: Vec<_> = handles.iter().map(|handle| PollFd::new(handle.as_fd(), PollFlags::POLLIN)).collect();
        fds.push(PollFd::new(interrupts.as_fd(), PollFlags::POLLIN));
        let _ = poll(&mut fds, PollTimeout::NONE);
        while let Ok(Some(info)) = interrupts.read_signal() {
            let signal = i32::try_from(info.ssi_signo).unwrap_or_default();
            let sent = info.ssi_pid != 0;
            handles.iter().filter(|_| sent).for_each(|handle| {
                // One that has just ended needs it no more.
                let _ = handle.signal(signal);
            });
        }
    }
}
