//! `stop`: the daemon is gone when this says so.

use std::time::{Duration, Instant};

use super::StopOptions;
use super::vouched::{cannot_tell, handle, send};
use crate::error::Error;
use crate::pidfile::{
    Holders, Life, PAUSE, Place, Running, Turn, clear, look_at, take_turn, user_of as holder_of, wait_until_free,
};
use crate::process::privileges::user_of;
use crate::process::{Observer, session};
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::sys::pidfd::PidFd;

/// How long what was sent SIGKILL may take to be gone, and a child of the daemon to let go of the claim.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// How a stop came out, if it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The daemon has ended in its own time.
    Stopped {
        /// The pid it had.
        pid: i32,
    },
    /// It did not end in time, and was killed, because `force` was asked for.
    Killed {
        /// The pid it had.
        pid: i32,
        /// How long it had been given.
        waited: Duration,
    },
    /// It was not running; nothing was done.
    NotRunning,
}

pub(crate) fn stop(spec: &Spec, options: &StopOptions, observer: &mut dyn Observer) -> Result<Stop, Error> {
    let plan = Plan::of(spec)?.waiting(None, options.timeout);
    // Without a folder there is no daemon. It is gone to once: what it is called may be another's when the daemon is gone.
    let Some(place) = Place::find(&plan.pidfile)? else { return Ok(Stop::NotRunning) };
    let answer = match end_all(&plan, &place, options, observer) {
        Err(doubt @ Error::CannotTell { .. }) if options.force => evict(&plan, doubt, observer)?,
        Err(Error::CannotTell { path, reason })
            if Holders::of(&path, user_of(&plan)).is_some_and(|holders| holders.members().next().is_some()) =>
        {
            let reason = format!("{reason} (`--force` kills what is the daemon's of those that hold its claim)");
            return Err(Error::CannotTell { path, reason });
        }
        other => other?,
    };
    // What did not end in order has left its pidfile behind.
    clear(&place);
    Ok(answer)
}

/// Ends the daemon, and whatever process it hands its locks to meanwhile.
fn end_all(plan: &Plan, place: &Place, options: &StopOptions, observer: &mut dyn Observer) -> Result<Stop, Error> {
    let begun = Instant::now();
    let mut answer = Stop::NotRunning;
    loop {
        let Some(daemon) = find(plan, place)? else { return Ok(answer) };
        if let Some(handle) = handle(plan, &daemon)? {
            observer.begins();
            answer = end(plan, place, options, (&daemon, &handle), observer)?;
            wait_until_free(place, LAST_WAIT);
        }
        if !daemon.is_succeeded() {
            return Ok(answer);
        }
        if begun.elapsed() >= plan.stop_timeout.max(LAST_WAIT) {
            return Err(cannot_tell(plan, "it is another process each time".to_owned()));
        }
    }
}

/// Kills the processes that hold the claim of a daemon that hides behind it, as far as they are the daemon's.
fn evict(plan: &Plan, doubt: Error, observer: &mut dyn Observer) -> Result<Stop, Error> {
    let Some(holders) = Holders::of(&plan.pidfile, user_of(plan)) else { return Err(doubt) };
    let begun = Instant::now();
    let mut killed = None;
    observer.begins();
    // One after the other as they are found: who hands the claim on would be gone when the list is done.
    while begun.elapsed() < LAST_WAIT && holders.members().next().is_some() {
        for pid in holders.members() {
            let Ok(handle) = PidFd::open(pid) else { continue };
            if holders.is_member(pid) {
                send(&handle, pid, nix::libc::SIGKILL)?;
                is_gone(&handle, LAST_WAIT, observer);
                killed = killed.or(Some(pid));
            }
        }
    }
    match (killed, holders.list().as_slice()) {
        (Some(pid), []) => Ok(Stop::Killed { pid, waited: plan.stop_timeout }),
        _ => Err(doubt),
    }
}

/// The daemon, if it runs. While a start or an end is in progress, who it is is about to show.
fn find(plan: &Plan, place: &Place) -> Result<Option<Running>, Error> {
    let begun = Instant::now();
    loop {
        match look_at(place, user_of(plan))? {
            Life::Running(daemon) => return Ok(Some(daemon)),
            Life::Absent | Life::Dead { .. } => return Ok(None),
            Life::Unknown { reason } => return Err(cannot_tell(plan, reason)),
            Life::Starting | Life::Held if begun.elapsed() < plan.stop_timeout => std::thread::sleep(PAUSE),
            Life::Starting | Life::Held => return Err(cannot_tell(plan, Holders::told(&plan.pidfile))),
        }
    }
}

fn end(
    plan: &Plan,
    place: &Place,
    options: &StopOptions,
    (daemon, handle): (&Running, &PidFd),
    observer: &mut dyn Observer,
) -> Result<Stop, Error> {
    let (pid, timeout) = (daemon.pid, plan.stop_timeout);
    let turn = take_turn(place);
    if matches!(turn, Turn::Ours { .. }) {
        send(handle, pid, plan.stop_signal)?;
    }
    if is_gone(handle, timeout, observer) {
        return Ok(Stop::Stopped { pid });
    }
    if !options.force {
        return Err(Error::WouldNotStop { pid, waited: timeout, killed: false });
    }
    // The session first: while the daemon is there, the session is its own.
    if let Some(session) = daemon.session().filter(|session| session::is_of(daemon.pid, *session)) {
        let user = user_of(plan).or_else(|| holder_of(daemon.pid));
        session::kill(session, user.filter(|uid| *uid != 0));
    }
    send(handle, pid, nix::libc::SIGKILL)?;
    if is_gone(handle, LAST_WAIT, observer) {
        return Ok(Stop::Killed { pid, waited: timeout });
    }
    Err(Error::WouldNotStop { pid, waited: timeout + LAST_WAIT, killed: true })
}

/// Waits for the end of the process; the observer hears of every second.
fn is_gone(handle: &PidFd, timeout: Duration, observer: &mut dyn Observer) -> bool {
    let begun = Instant::now();
    let mut next = Duration::from_secs(1);
    loop {
        let so_far = begun.elapsed();
        let until = next.min(timeout).saturating_sub(so_far);
        if handle.wait(until).unwrap_or(false) {
            return true;
        }
        let so_far = begun.elapsed();
        if so_far >= timeout {
            // The time is over, whatever keeps it from being asked.
            return handle.has_ended().unwrap_or(false);
        }
        if so_far >= next {
            observer.waiting(so_far);
            next += Duration::from_secs(1);
        }
    }
}
