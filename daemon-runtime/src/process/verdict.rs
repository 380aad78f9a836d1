//! How a start comes out: the launcher's waiting for the first of the words, ends and times that decide it.

mod aftermath;
mod judgement;

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::Observer;
use super::daemon::Arrived;
use super::interrupts::Interrupts;
use super::startup::{Heard, LauncherEnd, Word};
use super::streams::{Capture, Captures, Listen};
use crate::error::Error;
use crate::pidfile::{Claimed, Running};
use crate::spec::plan::Plan;
use crate::spec::setting::Readiness;
use crate::sys::disposition::ChildrenStay;
use crate::sys::pidfd::{PidFd, poll_timeout};

/// How long what was sent SIGKILL may take to be gone.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// How many words still count when the time is over: more than a start has to say.
const MOST_LATE_WORDS: u32 = 32;

/// How long a daemon that does not hold its claim any more may take to be heard of as ended.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// How a start came out, if it did not fail.
#[derive(Debug)]
pub(crate) enum Launched {
    Ready {
        pid: i32,
        texts: Texts,
    },
    Ended {
        texts: Texts,
    },
    AlreadyRunning(Running),
    /// This process is the daemon.
    Daemon(Box<Arrived>),
}

/// What the daemon wrote until it was ready, as far as it was listened to.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What the launcher has of a start once the session leader is forked.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) channel: LauncherEnd,
    pub(super) leader: Pid,
    pub(super) captures: Captures,
    /// SIGINT and SIGTERM come out here while the start lasts.
    pub(super) interrupts: Interrupts,
    pub(super) pidfile: Claimed,
    /// Restored when the start is over.
    pub(super) _children: ChildrenStay,
}

/// A start that the launcher watches.
pub(super) struct Watch<'a> {
    plan: &'a Plan,
    begun: Begun,
    daemon: Option<(i32, PidFd)>,
    since: Instant,
    /// When the daemon counts as ready, or as late.
    deadline: Deadline,
    /// Whether the daemon counts as ready, though it could not be agreed on: its introduction or its end is on the way.
    ready: bool,
    /// How long stdout and stderr were when the daemon said that it is ready.
    written: [u64; 2],
    /// Whether the worker has begun: an end before that is no end of its.
    working: bool,
    /// What the daemon told of its failure; its end is still to come.
    failure: Option<Failure>,
    /// How many words were heard though the time was over, or somebody had interrupted.
    late_words: u32,
}

#[derive(Debug, Clone, Copy)]
enum Deadline {
    /// If there is no word by then, the start has failed.
    Late(Instant),
    /// If there is no word by then, the start has worked.
    Settled(Instant),
}

enum Verdict {
    Ready {
        pid: i32,
    },
    /// The daemon has ended, with this wait status if the session leader could still tell.
    Ended(Option<i32>),
    /// It has ended with this wait status, and nobody is left in its session.
    EndedAlone(i32),
    /// It must be ended, for this reason.
    Abort(Abort),
}

enum Abort {
    Late,
    Interrupted(i32),
    /// The launcher itself cannot go on.
    Broken(io::Error),
}

enum Failure {
    Undone(Error),
    Worker(String),
    Panic(String),
    Terminated(i32),
}

/// What happened while the launcher slept.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A word on the channel, or its end.
    Word,
    /// One of the signals that interrupt the start.
    Interrupt,
    /// Nothing but time, and what the daemon has written.
    Time,
}

impl<'a> Watch<'a> {
    pub(super) fn of(plan: &'a Plan, begun: Begun) -> Self {
        let since = Instant::now();
        let deadline = Deadline::Late(since + plan.start_timeout);
        let (daemon, ready, written, working, failure) = (None, false, [u64::MAX; 2], false, None);
        Self { plan, begun, daemon, since, deadline, ready, written, working, failure, late_words: 0 }
    }

    /// Waits for the verdict, and leaves behind what it says: a daemon, or nothing.
    pub(super) fn conclude(mut self, observer: &mut dyn Observer) -> Result<Launched, Error> {
        match self.verdict(observer).unwrap_or_else(|broken| Verdict::Abort(Abort::Broken(broken))) {
            Verdict::Ready { pid } => {
                let [out, err] = self.written;
                self.begun.captures.stdout.ends_at(out);
                self.begun.captures.stderr.ends_at(err);
                let texts = match self.begun.captures.listen {
                    Listen::ToAll => self.texts(),
                    Listen::ToErrors => Texts::default(),
                };
                self.part();
                Ok(Launched::Ready { pid, texts })
            }
            Verdict::Ended(status) => {
                let outcome = self.judge(status);
                // What a worker that ended well has left running is its own affair.
                if outcome.is_err() {
                    self.end_session();
                }
                self.clean_up();
                outcome
            }
            Verdict::EndedAlone(status) => {
                let outcome = self.judge(Some(status));
                self.clean_up();
                outcome
            }
            Verdict::Abort(abort) => {
                self.end_it(observer);
                self.end_session();
                let error = self.aborted(abort);
                self.clean_up();
                Err(error)
            }
        }
    }

    fn verdict(&mut self, observer: &mut dyn Observer) -> io::Result<Verdict> {
        let mut told = 0;
        loop {
            let event = self.sleep(told + 1)?;
            let so_far = self.since.elapsed();
            if so_far.as_secs() > told {
                told = so_far.as_secs();
                observer.waiting(so_far);
            }
            if let Some(verdict) = self.on(event)? {
                return Ok(verdict);
            }
        }
    }

    /// Sleeps until something happens, the deadline is there, or so many seconds are over.
    fn sleep(&mut self, seconds: u64) -> io::Result<Event> {
        let mut fds = vec![
            PollFd::new(self.begun.channel.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.begun.interrupts.as_fd(), PollFlags::POLLIN),
        ];
        let captures = [&self.begun.captures.stdout, &self.begun.captures.stderr];
        fds.extend(captures.into_iter().filter_map(Capture::pollable).map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let (Deadline::Late(at) | Deadline::Settled(at)) = self.deadline;
        let until = at.min(self.since + Duration::from_secs(seconds)).saturating_duration_since(Instant::now());
        match poll(&mut fds, poll_timeout(until)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
        let happened = |at: usize| fds.get(at).and_then(PollFd::any).unwrap_or(false);
        // A word counts before an interrupt, and both before the clock: what is decided already is not decided anew. But no
        // start has many words to say, and who says them without end is not listened to for ever.
        let is_due = happened(1) || at <= Instant::now();
        let event = match (happened(0), happened(1)) {
            (true, _) if !is_due || self.late_words < MOST_LATE_WORDS => {
                self.late_words += u32::from(is_due);
                Event::Word
            }
            (_, true) => Event::Interrupt,
            _ => Event::Time,
        };
        let written = happened(2) || happened(3);
        if written {
            self.begun.captures.stdout.take_in();
            self.begun.captures.stderr.take_in();
        }
        Ok(event)
    }

    fn on(&mut self, event: Event) -> io::Result<Option<Verdict>> {
        match (event, self.deadline) {
            (Event::Word, _) => self.hear(),
            (Event::Interrupt, _) => {
                let interrupt = self.begun.interrupts.next()?;
                Ok(interrupt.map(|(number, _)| Verdict::Abort(Abort::Interrupted(number))))
            }
            (Event::Time, Deadline::Late(at)) if at <= Instant::now() => Ok(Some(Verdict::Abort(Abort::Late))),
            (Event::Time, Deadline::Settled(at)) if at <= Instant::now() => self.agree(),
            (Event::Time, _) => Ok(None),
        }
    }

    fn hear(&mut self) -> io::Result<Option<Verdict>> {
        let word = match self.begun.channel.hear(self.begun.leader)? {
            Heard::Word(word) => word,
            Heard::Forged => return Ok(None),
            Heard::End => return Ok(Some(Verdict::Ended(None))),
        };
        match word {
            Word::Forked { pid, handle } => {
                self.daemon = Some((pid, handle));
                return if self.ready { self.agree() } else { Ok(None) };
            }
            Word::Undone(failure) => self.failure = Some(Failure::Undone(failure.told(self.plan))),
            // Said again, it moves no deadline again.
            Word::Working if self.working => {}
            Word::Working => {
                self.working = true;
                if self.plan.ready == Readiness::Auto {
                    self.deadline = Deadline::Settled(Instant::now() + self.plan.settle);
                }
            }
            Word::Ready { .. } if self.ready => {}
            Word::Parted => {}
            Word::Ready { written } => {
                self.written = written;
                return self.agree();
            }
            Word::Failed(text) => {
                self.failure = Some(Failure::Worker(text));
                self.begun.channel.hear_failure();
            }
            Word::Panicked(text) => self.failure = Some(Failure::Panic(text)),
            Word::Terminated { signal } => self.failure = Some(Failure::Terminated(signal)),
            Word::Ended { status } => return Ok(Some(Verdict::Ended(Some(status)))),
            Word::EndedAlone { status } => return Ok(Some(Verdict::EndedAlone(status))),
        }
        Ok(None)
    }

    /// Agrees that the daemon is ready, if it is still there and holds its claim. Else its end is about to be heard of.
    fn agree(&mut self) -> io::Result<Option<Verdict>> {
        self.ready = true;
        if let Some((pid, handle)) = &self.daemon {
            if self.is_whole(*pid, handle)? && self.begun.channel.agree()? {
                return Ok(Some(Verdict::Ready { pid: *pid }));
            }
        }
        let is_without_claim = self.daemon.is_some() && self.failure.is_none();
        // Who has ended introduces nobody any more: what it has said before that is on the channel already.
        let is_unknown = self.daemon.is_none() && has_ended(self.begun.leader);
        let patience = if is_without_claim || is_unknown { LAST_BREATH } else { LAST_WAIT };
        self.deadline = Deadline::Late(Instant::now() + patience);
        Ok(None)
    }

    fn is_whole(&self, pid: i32, handle: &PidFd) -> io::Result<bool> {
        // A worker that closed the claim, or became another program, is no daemon that `status` or `stop` could find.
        Ok(self.failure.is_none() && !handle.has_ended()? && self.begun.pidfile.is_vouched_by(pid)?)
    }
}

fn has_ended(child: Pid) -> bool {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    waitid(Id::Pid(child), peek).is_ok_and(|status| status != WaitStatus::StillAlive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;
    use crate::pidfile::{Acquired, Patience};
    use crate::process::Silent;
    use crate::process::startup::{DaemonEnd, channel};

    const AT_ONCE: Patience = Patience { in_between: Duration::ZERO, running: Duration::ZERO };

    #[test]
    fn a_daemon_may_be_ready_before_the_session_leader_has_introduced_it() {
        let verdict = verdict_on(|daemon, pid| {
            daemon.say(&Word::Working);
            daemon.say(&Word::Ready { written: [0; 2] });
            daemon.introduce(pid, &PidFd::open(pid).expect("this process"));
            Some(daemon)
        });
        assert!(matches!(verdict, Verdict::Ready { .. }));
    }

    #[test]
    fn the_end_of_the_channel_without_a_word_is_the_end_of_the_daemon() {
        assert!(matches!(verdict_on(|_, _| None), Verdict::Ended(None)));
    }

    #[test]
    fn who_complains_without_end_and_reads_no_answer_is_not_waited_for() {
        let verdict = verdict_on(|daemon, _| {
            std::thread::spawn(move || (0..1000).for_each(|_| daemon.say(&Word::Failed("no".to_owned()))));
            None
        });
        assert!(matches!(verdict, Verdict::Ended(None)));
    }

    /// What a launcher makes of these words, said for a daemon that is this very process. The channel stays open for as long
    /// as `say` gives it back.
    fn verdict_on(say: impl FnOnce(DaemonEnd, i32) -> Option<DaemonEnd>) -> Verdict {
        let pid = i32::try_from(std::process::id()).expect("a pid");
        let path = std::env::temp_dir().join(format!("verdict-{pid}-{:?}", std::thread::current().id()));
        let plan = Plan::of(&Daemon::new(|| {}).pidfile(&path).spec).expect("a plan");
        let Acquired::Mine(pidfile) = Claimed::acquire(&path, AT_ONCE, None, &mut || Ok(())).expect("acquired") else {
            panic!("held")
        };
        let (launcher_end, daemon_end) = channel().expect("a channel");
        let _open = say(daemon_end, pid);
        let begun = Begun {
            channel: launcher_end,
            leader: Pid::from_raw(pid),
            captures: Captures::default(),
            interrupts: Interrupts::block().expect("blocked"),
            pidfile,
            _children: ChildrenStay::begin().expect("a disposition"),
        };
        let mut watch = Watch::of(&plan, begun);
        let verdict = watch.verdict(&mut Silent).expect("a verdict");
        watch.begun.pidfile.release();
        verdict
    }
}
