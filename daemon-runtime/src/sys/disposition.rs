//! Signal dispositions and masks: sigaction(2), sigprocmask(2).

use std::io;

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

/// Gives every ignored signal its default disposition back, as far as a launching program can have ignored it: handlers do
/// not survive exec(2), so a handler that is there is this program's own and stays. SIGPIPE stays as Rust has it.
pub(crate) fn reset_ignored(except: &[libc::c_int]) -> io::Result<()> {
    let highest = libc::SIGRTMAX();
    for signal in (1..=highest).filter(|s| *s != libc::SIGPIPE && !except.contains(s)) {
        if is_ignored(signal) {
            set_default(signal)?;
        }
    }
    Ok(())
}

/// Whether this process ignores the signal.
pub(crate) fn is_ignored(signal: libc::c_int) -> bool {
    current(signal).is_ok_and(|action| action.sa_sigaction == libc::SIG_IGN)
}

/// Whether the signal does what it does by default.
#[cfg(feature = "watch")]
pub(crate) fn is_default(signal: libc::c_int) -> bool {
    current(signal).is_ok_and(|action| action.sa_sigaction == libc::SIG_DFL)
}

/// What the signal does now.
pub(super) fn current(signal: libc::c_int) -> io::Result<libc::sigaction> {
    // SAFETY: all-zero is a valid `sigaction`: SIG_DFL, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the new action is null, so nothing changes, and the old one is written into memory of the right type.
    match unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) } {
        0 => Ok(action),
        _ => Err(io::Error::last_os_error()),
    }
}

/// SIGCHLD with a disposition under which a child stays until it is waited for; an ignored one comes back when this is
/// dropped.
pub(crate) struct ChildrenStay(Option<libc::sigaction>);

impl ChildrenStay {
    pub(crate) fn begin() -> io::Result<Self> {
        let before = current(libc::SIGCHLD)?;
        if before.sa_sigaction != libc::SIG_IGN && before.sa_flags & libc::SA_NOCLDWAIT == 0 {
            // Children stay as it is, and a handler of the program's goes on hearing of its own.
            return Ok(Self(None));
        }
        set_default(libc::SIGCHLD)?;
        Ok(Self(Some(before)))
    }
}

impl Drop for ChildrenStay {
    fn drop(&mut self) {
        let Some(before) = self.0 else { return };
        // SAFETY: the action is the one that the kernel gave us, so its handler, if it names one, is one of this program.
        unsafe { libc::sigaction(libc::SIGCHLD, &raw const before, std::ptr::null_mut()) };
    }
}

impl std::fmt::Debug for ChildrenStay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChildrenStay")
    }
}

fn set_default(signal: libc::c_int) -> io::Result<()> {
    meaning(signal, libc::SIG_DFL).map(drop)
}

/// Ignores a signal; programs that this one runs will too.
pub(crate) fn ignore(signal: libc::c_int) -> io::Result<()> {
    meaning(signal, libc::SIG_IGN).map(drop)
}

/// Throws away a signal that is pending, and leaves its disposition as it is: setting a signal to be ignored discards it,
/// also where it is blocked; sigaction(2).
pub(crate) fn forget_pending(signal: Signal) -> io::Result<()> {
    let before = meaning(signal as libc::c_int, libc::SIG_IGN)?;
    // SAFETY: the action is the one that the kernel gave us, so its handler, if it names one, is one of this program.
    match unsafe { libc::sigaction(signal as libc::c_int, &raw const before, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Gives a signal one of the two meanings that name no handler, and says what it did before.
fn meaning(signal: libc::c_int, meaning: libc::sighandler_t) -> io::Result<libc::sigaction> {
    // SAFETY: all-zero is a valid `sigaction`: SIG_DFL, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut before = action;
    action.sa_sigaction = meaning;
    // SAFETY: the new action is a valid one that names no handler, and the old one is written into memory of the right type.
    match unsafe { libc::sigaction(signal, &raw const action, &raw mut before) } {
        0 => Ok(before),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The signal mask as it was, restored when dropped.
#[derive(Debug)]
pub(crate) struct Mask(SigSet);

impl Mask {
    /// Blocks `signals` besides those that are blocked already.
    pub(crate) fn block(signals: &SigSet) -> io::Result<Self> {
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(signals), Some(&mut before))?;
        Ok(Self(before))
    }

    /// Blocks these signals no more.
    #[cfg(feature = "watch")]
    pub(crate) fn unblock(signals: &SigSet) -> io::Result<Self> {
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(signals), Some(&mut before))?;
        Ok(Self(before))
    }
}

impl Mask {
    /// Does something with the mask as it was.
    pub(crate) fn lifted<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut now = SigSet::empty();
        // The mask was the kernel's own answer, so it cannot be refused.
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.0), Some(&mut now));
        let done = act();
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&now), None);
        done
    }
}

impl Drop for Mask {
    fn drop(&mut self) {
        // The mask was the kernel's own answer, so it cannot be refused.
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.0), None);
    }
}

/// Sends a signal to this process as a whole.
pub(crate) fn signal_this_process(signal: libc::c_int) -> io::Result<()> {
    Ok(nix::sys::signal::kill(nix::unistd::Pid::this(), Signal::try_from(signal)?)?)
}

/// Whether this thread blocks the signal.
pub(crate) fn is_blocked(signal: Signal) -> io::Result<bool> {
    let mut current = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, None, Some(&mut current))?;
    Ok(current.contains(signal))
}

/// Blocks nothing any more.
pub(crate) fn unblock_all() -> io::Result<()> {
    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?)
}
