//! `run-now`, `pause`, `resume`: what can be asked of a repeating daemon while it runs.
//!
//! A signal brings it, as with `reload`: to the process that the kernel vouches for, and only if it handles that signal.
//! What came of it stands in the daemon's record.

use std::time::{Duration, Instant};

use super::ticks::{LastTick, Ticks};
use super::vouched::{self, Vouched};
use crate::error::Error;
use crate::pidfile::PAUSE;
use crate::pidfile::record::{Opened, Record};
use crate::process::Observer;
use crate::spec::Spec;
use crate::spec::order::Order;
use crate::spec::plan::Plan;

/// How long a daemon may be without a handler while the program is begun anew.
const DEAFNESS: Duration = Duration::from_secs(1);

/// How long `run-now`, `pause` and `resume` wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderOptions {
    /// For the end of the tick; none means as long as it takes. For the answer to `pause` and `resume`; none means
    /// `stop_timeout`.
    pub timeout: Option<Duration>,
}

/// What came of `run-now`, `pause` or `resume`, if it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ordered {
    /// A tick was asked for, and has ended well.
    Ran(LastTick),
    /// No tick begins by itself any more.
    Paused(Ticks),
    /// Ticks begin again when they are due.
    Resumed(Ticks),
}

pub(crate) fn order(
    spec: &Spec,
    order: Order,
    options: &OrderOptions,
    observer: &mut dyn Observer,
) -> Result<Ordered, Error> {
    let action = order.word();
    if !spec.repeats() {
        return Err(Error::NotRepeating { action });
    }
    let plan = Plan::of(spec)?;
    let Some(daemon) = vouched::find(&plan)? else { return Err(Error::NobodyToAsk { action }) };
    let told = Opened::find(&plan.pidfile, daemon.pid).map_err(|reason| vouched::cannot_tell(&plan, reason))?;
    let asking = Asking { order, daemon, told };
    let before = asking.ask()?;
    let timeout = match order {
        Order::RunNow => options.timeout,
        Order::Pause | Order::Resume => Some(options.timeout.unwrap_or(plan.stop_timeout)),
    };
    observer.begins();
    asking.wait(before, timeout, observer)
}

/// How long a record may be empty that was not.
const SILENCE: Duration = Duration::from_secs(1);

/// A daemon that something is asked of.
struct Asking {
    order: Order,
    daemon: Vouched,
    told: Option<Opened>,
}

impl Asking {
    /// Sends the signal, and returns what the daemon had told before. One that is just being begun anew is deaf for a moment.
    fn ask(&self) -> Result<Record, Error> {
        let begun = Instant::now();
        loop {
            match self.ask_once() {
                Err(Error::Deaf { .. }) if self.tells_of_ticks() && begun.elapsed() < DEAFNESS => {}
                asked => return asked,
            }
            let _ = self.daemon.handle.wait(PAUSE);
        }
    }

    fn tells_of_ticks(&self) -> bool {
        self.read().is_ok_and(|told| told.is_some_and(|told| told.repeats))
    }

    fn ask_once(&self) -> Result<Record, Error> {
        let (pid, signal) = (self.daemon.pid, self.order.signal());
        let is_heard = vouched::handles(pid, signal);
        let before = self.read();
        match (is_heard, before) {
            // It has ended since it was found: then what was seen of it says nothing.
            _ if self.daemon.handle.has_ended().unwrap_or(false) => {
                Err(Error::NobodyToAsk { action: self.order.word() })
            }
            (Err(error), _) => Err(error),
            (_, Err(reason)) => Err(Error::Look { pid, reason }),
            (Ok(true), Ok(Some(before))) if before.repeats => self.send(signal).map(|()| before),
            (Ok(_), _) => Err(Error::Deaf { pid, action: self.order.word() }),
        }
    }

    fn send(&self, signal: i32) -> Result<(), Error> {
        let is_sent = vouched::send(&self.daemon.handle, self.daemon.pid, signal)?;
        if is_sent { Ok(()) } else { Err(Error::NobodyToAsk { action: self.order.word() }) }
    }

    fn read(&self) -> Result<Option<Record>, String> {
        self.told.as_ref().map_or(Ok(None), Opened::read)
    }

    fn untold(&self, reason: String) -> Error {
        Error::Untold { pid: self.daemon.pid, action: self.order.word(), reason }
    }

    /// Waits until the record tells what came of it; the observer hears of every second.
    fn wait(
        &self,
        mut before: Record,
        timeout: Option<Duration>,
        observer: &mut dyn Observer,
    ) -> Result<Ordered, Error> {
        let (begun, mut next) = (Instant::now(), Duration::from_secs(1));
        loop {
            // Asked first: what a daemon has told before its end is not to be missed.
            let has_ended = self.daemon.handle.wait(PAUSE).unwrap_or(false);
            let now = self.read().map_err(|reason| self.untold(reason))?;
            if let Some(now) = &now {
                if let Some(answer) = self.answer(&before, now) {
                    return answer;
                }
                // What the image before this one was asked for and had not begun, nobody knows of any more.
                if now.image != before.image && !has_ended {
                    before = self.ask()?;
                }
            }
            let (so_far, action) = (begun.elapsed(), self.order.word());
            if has_ended {
                return Err(Error::EndedMeanwhile { pid: self.daemon.pid, action });
            }
            // Empty it is also for a moment before the end of a daemon that may not remove it.
            if let (None, true, Some(told)) = (&now, so_far >= SILENCE, &self.told) {
                return Err(self.untold(format!("it cannot write {} any more", told.path().display())));
            }
            if timeout.is_some_and(|timeout| so_far >= timeout) {
                return Err(Error::Unanswered { pid: self.daemon.pid, action, waited: so_far });
            }
            if so_far >= next {
                observer.waiting(so_far);
                next += Duration::from_secs(1);
            }
        }
    }

    /// What the record says came of it, once it does.
    fn answer(&self, before: &Record, now: &Record) -> Option<Result<Ordered, Error>> {
        match self.order {
            Order::Pause => now.paused.then(|| Ok(Ordered::Paused(Ticks::now(now)))),
            Order::Resume => {
                let is_told = now.next.is_some() || now.running.is_some();
                (!now.paused && is_told).then(|| Ok(Ordered::Resumed(Ticks::now(now))))
            }
            // One that had begun before it was asked for is not the one: it may not see what this one is to see.
            Order::RunNow if now.asked.1 > before.asked.0 => {
                let tick = LastTick::of(now.last_asked?, &now.asked_error);
                Some(match tick.error {
                    Some(text) => Err(Error::TickFailed { number: tick.number, text }),
                    None => Ok(Ordered::Ran(tick)),
                })
            }
            Order::RunNow => None,
        }
    }
}
