//! Writing to a file that may not grow: under `RLIMIT_FSIZE` write(2) says EFBIG, and SIGXFSZ ends the process as well.

use std::ptr;

use nix::libc;
use nix::sys::signal::{SigSet, Signal};

use super::disposition::Mask;

/// Writes something, so that a file that may not grow is an error like any other, and no end of this process.
pub(crate) fn told_by_error<T>(write: impl FnOnce() -> T) -> T {
    let too_large: SigSet = [Signal::SIGXFSZ].into_iter().collect();
    let Ok(mask) = Mask::block(&too_large) else { return write() };
    // One that was waiting before is not ours to take away.
    let is_ours = !is_pending(Signal::SIGXFSZ);
    let written = write();
    if is_ours {
        take_away(&too_large);
    }
    drop(mask);
    written
}

fn is_pending(signal: Signal) -> bool {
    let mut pending = *SigSet::empty().as_ref();
    // SAFETY: the set is ours, and of the right type.
    let asked = unsafe { libc::sigpending(&raw mut pending) };
    // SAFETY: the set is a whole one: it was empty, and if the kernel wrote to it, it wrote all of it.
    asked == 0 && unsafe { libc::sigismember(&raw const pending, signal as libc::c_int) } == 1
}

/// Takes a blocked signal away that may have come. The kernel sends this one to the very thread that wrote.
fn take_away(signal: &SigSet) {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both point to valid values of the right type, and what the signal says is not asked for.
    unsafe { libc::sigtimedwait(signal.as_ref(), ptr::null_mut(), &raw const at_once) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    #[test]
    #[cfg_attr(miri, ignore = "sigtimedwait(2)")]
    fn a_signal_of_the_write_is_gone_and_an_older_one_stays() {
        let xfsz: SigSet = [Signal::SIGXFSZ].into_iter().collect();
        told_by_error(|| raise(Signal::SIGXFSZ)).expect("raised");
        let _mask = Mask::block(&xfsz).expect("blocked");
        assert!(!is_pending(Signal::SIGXFSZ));
        raise(Signal::SIGXFSZ).expect("raised");
        told_by_error(|| ());
        assert!(is_pending(Signal::SIGXFSZ));
        take_away(&xfsz);
    }
}
