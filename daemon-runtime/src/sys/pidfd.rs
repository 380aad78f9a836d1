//! A handle on a process that cannot come to mean another one: `pidfd_open(2)`, `pidfd_send_signal(2)`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::again::again;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::ControlMessageOwned;

#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// A handle on the process that has this pid now. Whether it is the one that was meant must be checked afterwards.
    pub(crate) fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: pidfd_open takes two integers and touches no memory of ours.
        let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        let raw = i32::try_from(raw).map_err(io::Error::other)?;
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(raw) }))
    }

    /// Whether the kernel, and whatever sandbox this process is in, lets it have handles; else which call they refuse.
    pub(crate) fn check() -> Result<(), (&'static str, io::Error)> {
        let this = i32::try_from(std::process::id()).unwrap_or_default();
        let handle = Self::open(this).map_err(|e| ("pidfd_open", e))?;
        handle.signal(0).map_err(|e| ("pidfd_send_signal", e))
    }

    /// The handle that came with a message, if one did; unix(7), `SCM_RIGHTS`.
    pub(crate) fn received(control: ControlMessageOwned) -> Option<Self> {
        let ControlMessageOwned::ScmRights(fds) = control else { return None };
        // SAFETY: the kernel has just put this descriptor into our table for us, and nobody else knows its number.
        let own = |raw| unsafe { OwnedFd::from_raw_fd(raw) };
        // All of them are ours to close, also those that nobody should have sent.
        let owned: Vec<OwnedFd> = fds.into_iter().map(own).collect();
        owned.into_iter().next().map(Self)
    }

    pub(crate) fn signal(&self, signal: i32) -> io::Result<()> {
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the null siginfo asks the kernel to fill in what kill(2) would; nothing is read through it.
        let done = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, no_info, 0) };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Waits until the process has ended; false when the time is over first.
    pub(crate) fn wait(&self, timeout: Duration) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, poll_timeout(timeout)) {
            Ok(ready) => Ok(ready > 0),
            // A signal to the waiting process says nothing about the other one: the caller looks at its clock again.
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        Ok(again(|| poll(&mut fds, PollTimeout::ZERO))? > 0)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A time-out for poll(2), rounded up so that no deadline is missed by waking just before it.
pub(crate) fn poll_timeout(timeout: Duration) -> PollTimeout {
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    i32::try_from(millis).ok().and_then(|ms| PollTimeout::try_from(ms).ok()).unwrap_or(PollTimeout::MAX)
}
