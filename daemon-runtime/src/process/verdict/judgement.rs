//! What a start that has not become a daemon comes to: an error, or an end that was meant.

use super::{Abort, Failure, Launched, Texts, Watch};
use crate::error::Error;
use crate::process::streams::trimmed;
use crate::spec::setting::Readiness;

impl Watch<'_> {
    pub(super) fn texts(&mut self) -> Texts {
        Texts { stdout: self.begun.captures.stdout.text(), stderr: self.begun.captures.stderr.text() }
    }

    pub(super) fn judge(&mut self, status: Option<i32>) -> Result<Launched, Error> {
        let code = status.map_or(1, exit_code);
        if let Some(failure) = self.failure.take() {
            return Err(self.told(failure, code));
        }
        let texts = self.texts();
        let stderr = trimmed(&texts.stderr);
        match status {
            None => Err(Error::Vanished { stderr }),
            // Something else than the worker has ended the process: the program's own code on the way to it, or a hook.
            Some(0) if !self.working => Err(Error::Vanished { stderr }),
            Some(0) if self.ready || self.plan.ready == Readiness::Auto => Ok(Launched::Ended { texts }),
            Some(0) => Err(Error::NeverReady { stderr }),
            Some(status) if signal_of(status) == 0 => Err(Error::WorkerExited { code, stderr }),
            Some(status) => Err(Error::WorkerKilled { signal: signal_of(status), stderr }),
        }
    }

    /// The error of a failure that the daemon itself told.
    pub(super) fn told(&mut self, failure: Failure, code: u8) -> Error {
        let stderr = self.begun.captures.stderr.trimmed();
        match failure {
            Failure::Undone(error) => error,
            Failure::Worker(text) => Error::WorkerFailed { text, code, stderr },
            Failure::Panic(text) => Error::WorkerPanicked { text, code, stderr },
            Failure::Terminated(signal) => Error::WorkerKilled { signal, stderr },
        }
    }

    pub(super) fn aborted(&mut self, abort: Abort) -> Error {
        match (abort, self.failure.take()) {
            (Abort::Interrupted(signal), _) => Error::Interrupted { signal },
            // It had told why, and then took too long to end.
            (_, Some(failure)) => self.told(failure, 1),
            (Abort::Broken(source), None) => Error::Channel { source },
            // The session leader was killed before it could say whom it had forked; or the daemon let go of its claim.
            (Abort::Late, None) if self.daemon.is_none() || self.ready => {
                Error::Vanished { stderr: self.begun.captures.stderr.trimmed() }
            }
            (Abort::Late, None) => {
                Error::StartTimeout { waited: self.plan.start_timeout, stderr: self.begun.captures.stderr.trimmed() }
            }
        }
    }
}

/// The exit code that a shell would show for a wait status: 128 and the signal where one ended the process.
fn exit_code(status: i32) -> u8 {
    let number = match signal_of(status) {
        0 => (status >> 8) & 0xff,
        signal => 128 + signal,
    };
    u8::try_from(number).unwrap_or(1)
}

/// The signal that ended the process, 0 if it ended by itself; the eighth bit only tells of a core dump.
fn signal_of(status: i32) -> i32 {
    status & 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_status_becomes_the_exit_code_that_a_shell_shows() {
        assert_eq!((exit_code(0), exit_code(42 << 8), exit_code(9), exit_code(6 | 0x80)), (0, 42, 137, 134));
    }
}
