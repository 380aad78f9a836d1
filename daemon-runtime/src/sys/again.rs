//! What a signal has interrupted before it did anything is done again: signal(7), "Interruption of system calls and library
//! functions". The standard library does so by itself; nix does not.

use std::io;

use nix::errno::Errno;

/// An error that may say that a signal has interrupted the call.
pub(crate) trait Interruptible {
    fn is_interruption(&self) -> bool;
}

impl Interruptible for Errno {
    fn is_interruption(&self) -> bool {
        *self == Self::EINTR
    }
}

impl Interruptible for io::Error {
    fn is_interruption(&self) -> bool {
        self.kind() == io::ErrorKind::Interrupted
    }
}

/// Makes the call until no signal interrupts it. Not for close(2): after that there is nothing to do again.
pub(crate) fn again<T, E: Interruptible>(mut call: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    loop {
        match call() {
            Err(e) if e.is_interruption() => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_call_is_made_again_and_any_other_answer_is_the_answer() {
        let mut answers = [Err(Errno::EINTR), Err(Errno::EINTR), Ok(3), Err(Errno::EIO)].into_iter();
        let mut call = || answers.next().expect("no further call");
        assert_eq!((again(&mut call), again(&mut call)), (Ok(3), Err(Errno::EIO)));
    }
}
