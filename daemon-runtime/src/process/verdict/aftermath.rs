//! What a start leaves behind: a daemon that is let go of, or nothing.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;

use super::{LAST_WAIT, Watch};
use crate::process::interrupts::Interrupts;
use crate::process::{Observer, session};
use crate::sys::again::again;

impl Watch<'_> {
    /// Lets go of a daemon that is ready.
    pub(super) fn part(self) {
        self.begun.pidfile.started();
        // From here on the claim is the daemon's alone: whenever it dies, nobody is to find it held by us.
        drop(self.begun.pidfile);
        // The session leader goes when it hears that the start is agreed on, and the daemon parts meanwhile. The channel is
        // let go of first: where a sandbox keeps half an end of it from being told, the whole end is.
        self.begun.channel.wait_for_end(self.begun.leader, LAST_WAIT);
        reap(self.begun.leader);
        drop(self.begun.captures);
    }

    /// Ends the daemon in order; if that takes too long, or somebody interrupts this too, at once.
    pub(super) fn end_it(&mut self, observer: &mut dyn Observer) {
        let Some((_, handle)) = &self.daemon else { return };
        let _ = handle.signal(self.plan.stop_signal);
        let begun = Instant::now();
        let again = |interrupts: &Interrupts| interrupts.next().is_ok_and(|interrupt| interrupt.is_some());
        while begun.elapsed() < self.plan.stop_timeout
            && !again(&self.begun.interrupts)
            && !handle.wait(Duration::from_millis(100)).unwrap_or(true)
        {
            // A daemon that writes while it ends must not wait for us.
            self.begun.captures.stdout.take_in_all();
            self.begun.captures.stderr.take_in_all();
            observer.waiting(self.since.elapsed());
        }
        let _ = handle.signal(nix::libc::SIGKILL);
        let _ = handle.wait(LAST_WAIT);
    }

    /// Ends whoever is left in the daemon's session. The session leader first: it may just be about to fork the daemon. It is
    /// our child, and stays until we have waited for it, so its number, and the session's, means nobody else.
    pub(super) fn end_session(&self) {
        let leader = self.begun.leader;
        let _ = nix::sys::signal::kill(leader, Signal::SIGKILL);
        let _ = again(|| waitid(Id::Pid(leader), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT));
        session::kill(leader.as_raw(), None);
    }

    /// Leaves nothing behind of the start: no process, no pidfile, no claim.
    pub(super) fn clean_up(self) {
        // The session leader has said all that it had to say.
        let _ = nix::sys::signal::kill(self.begun.leader, Signal::SIGKILL);
        if let Some((_, handle)) = &self.daemon {
            // It has ended, or has said so: then it does not matter whether it is sent anything.
            let _ = handle.signal(nix::libc::SIGKILL);
            let _ = handle.wait(LAST_WAIT);
        }
        reap(self.begun.leader);
        self.begun.pidfile.release();
    }
}

fn reap(child: Pid) {
    let _ = again(|| waitpid(child, None));
}
