//! One action for several daemons at the same time: a process for each of them.

use std::io::Write;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::interrupts::Interrupts;
use crate::sys::disposition::{self, ChildrenStay};
use crate::sys::exit;
use crate::sys::fork::{Side, fork, refuse_threads};
use crate::sys::pidfd::PidFd;

/// Has `act` done for 0 to `count` - 1, and returns the exit codes in this order. In a process with threads, which must not
/// be forked, one after the other.
pub(crate) fn each(count: u32, on_interrupt: OnInterrupt, mut act: impl FnMut(u32) -> u8) -> Vec<u8> {
    if refuse_threads().is_err() {
        return (0..count).map(act).collect();
    }
    // Before the fork, so that what stands in the buffers comes out once.
    let _ = std::io::stdout().flush();
    let (Ok(_children), Ok(interrupts)) = (ChildrenStay::begin(), Interrupts::block()) else {
        return (0..count).map(act).collect();
    };
    let members: Vec<_> = (0..count)
        .map(|n| match fork() {
            Ok(Side::Parent(pid)) => Member::Child(pid, PidFd::open(pid.as_raw()).ok()),
            Ok(Side::Child) => {
                if on_interrupt == OnInterrupt::End {
                    // It cannot fail: the empty set is a mask.
                    let _ = disposition::unblock_all();
                }
                let code = act(n);
                let _ = std::io::stdout().flush();
                exit::at_once(i32::from(code))
            }
            Err(_) => Member::Done(act(n)),
        })
        .collect();
    pass_on(&interrupts, &members);
    members.into_iter().map(Member::code).collect()
}

/// What interrupts do to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnInterrupt {
    /// They end it: it leaves nothing half-made.
    End,
    /// It takes them out of their way itself; they stay blocked, so that none ends it before that.
    Own,
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
            // What cannot be asked is asked again: it is waited for all the same.
            Self::Child(_, Some(handle)) => handle.has_ended().unwrap_or(false),
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

/// Waits for all of them. An interrupt that a process has sent to this one is meant for all; one of the terminal's has
/// reached them by itself.
fn pass_on(interrupts: &Interrupts, members: &[Member]) {
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
        while let Ok(Some((signal, sent))) = interrupts.next() {
            handles.iter().filter(|_| sent).for_each(|handle| {
                // One that has just ended needs it no more.
                let _ = handle.signal(signal);
            });
        }
    }
}
