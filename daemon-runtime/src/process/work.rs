//! The work itself: the worker, or the ticks of a repeating daemon, with whatever they do caught and put into words.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::agreement::Agreement;
use super::mishap::{guarded, report};
use super::startup::Word;
use super::{program, reason};
use crate::context::{Cause, Context, Tick};
use crate::event::event;
use crate::pidfile::record::Asked;
use crate::schedule::{Clock, Next, Occasion, Turn, Woken, repeat};
use crate::spec::plan::Plan;
use crate::spec::setting::OnError;
use crate::spec::worker::{Body, Ending};
use crate::spec::{Job, Timetable};
use crate::sys::clock::monotonic;

/// The exit code of a panic, as Rust has it.
pub(crate) const PANICKED: u8 = 101;

/// How the work came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: u8,
    pub(crate) reason: String,
}

/// Runs the job to its end.
pub(super) fn run(job: &mut Job, context: &Context, agreement: &Agreement, plan: &Plan, mapped: &[i32]) -> Outcome {
    match job {
        Job::Here => well(context),
        Job::Program { program, args } => {
            once(guarded(|| program::run(program, args, context, plan, mapped)), context, agreement)
        }
        Job::Once(worker) => once(guarded(|| (worker.run)(context)), context, agreement),
        Job::Repeat { timetable, on_error, body } => match ticks(timetable, *on_error, body, context, agreement) {
            ControlFlow::Continue(()) => well(context),
            ControlFlow::Break((told, outcome)) => failed(&told, outcome, agreement),
        },
    }
}

fn once(result: Result<Ending, String>, context: &Context, agreement: &Agreement) -> Outcome {
    match result {
        Ok(Ending { error: Some(error), code }) => {
            let reason = reason::by_error(&error);
            failed(&error, Outcome { code, reason }, agreement)
        }
        Ok(Ending { code: 0, .. }) => well(context),
        Ok(Ending { code, .. }) => Outcome { code, reason: reason::with_code(i32::from(code)) },
        Err(panic) => {
            agreement.tell(&Word::Panicked(panic.clone()));
            Outcome { code: PANICKED, reason: reason::by_panic(&panic) }
        }
    }
}

fn well(context: &Context) -> Outcome {
    Outcome { code: 0, reason: why(context) }
}

/// Why a daemon ends that ends well.
pub(crate) fn why(context: &Context) -> String {
    match context.asked() {
        Some(Cause::Signal(signal)) => reason::by_signal(signal),
        Some(Cause::Worker) | None => reason::NORMALLY.to_owned(),
    }
}

/// Tells of a failure once: at the terminal while the start lasts, else on stderr.
fn failed(told: &str, outcome: Outcome, agreement: &Agreement) -> Outcome {
    if !agreement.tell_failure(&Word::Failed(told.to_owned())) {
        report(&format!("error: {told}"));
    }
    outcome
}

/// A tick's failure that ends the daemon: in words, and what it comes to.
type Broken = (String, Outcome);

fn ticks(
    timetable: &Timetable,
    on_error: OnError,
    body: &mut Body,
    context: &Context,
    agreement: &Agreement,
) -> ControlFlow<Broken> {
    let clock = Monotonic { anchor: Instant::now(), begun: monotonic(), context };
    let mut tick = Tick::new(context.clone());
    repeat(timetable, &clock, |turn| {
        let scheduled = clock.anchor.checked_add(turn.due.at).unwrap_or(clock.anchor);
        tick.turn(turn.due.number, scheduled, turn.lateness);
        clock.tell_of_begin(turn);
        let result = guarded(|| body(&tick));
        clock.tell_of_end(&result);
        one_tick(result, turn, on_error, agreement)
    })
}

/// What has come of a tick.
type Came = Result<Ending, String>;

fn one_tick(result: Came, turn: Turn, on_error: OnError, agreement: &Agreement) -> ControlFlow<Broken> {
    if matches!(&result, Ok(ending) if ending.is_well()) {
        event!(DEBUG, "tick", tick = turn.due.number, lateness = turn.lateness.as_secs_f64());
        // The last tick's end is the daemon's end, which is told as such.
        if !turn.last {
            agreement.ready_by_itself();
        }
        return ControlFlow::Continue(());
    }
    let told = format!("tick {} {}", turn.due.number, failure(&result));
    event!(WARN, "tick failed", tick = turn.due.number, lateness = turn.lateness.as_secs_f64(), error = told.as_str());
    if on_error == OnError::Continue {
        report(&format!("error: {told}"));
        return ControlFlow::Continue(());
    }
    let outcome = match result {
        Ok(ending) => Outcome { code: ending.code, reason: reason::by_error(&told) },
        Err(panic) => Outcome { code: PANICKED, reason: reason::by_panic(&panic) },
    };
    ControlFlow::Break((told, outcome))
}

fn failure(result: &Came) -> String {
    match result {
        Ok(Ending { error: Some(error), .. }) => format!("failed: {error}"),
        Ok(Ending { code, .. }) => format!("failed with exit code {code}"),
        Err(panic) => format!("panicked: {panic}"),
    }
}

/// The monotonic clock, counted from the daemon's beginning, and woken by whatever is asked of the daemon. What it sees go by
/// is told to `status`.
struct Monotonic<'a> {
    anchor: Instant,
    /// The same moment as all processes know it.
    begun: Duration,
    context: &'a Context,
}

impl Monotonic<'_> {
    fn of_all(&self, at: Duration) -> Duration {
        self.begun.saturating_add(at)
    }

    fn tell_of_begin(&self, turn: Turn) {
        let Some(recorder) = self.context.recorder() else { return };
        let asked = match turn.occasion {
            Occasion::Timetable => Asked::ForNone,
            Occasion::Asked => Asked::ForIt,
        };
        let now = turn.due.at.saturating_add(turn.lateness);
        recorder.begins(turn.due.number, self.of_all(now), asked);
    }

    fn tell_of_end(&self, result: &Came) {
        let Some(recorder) = self.context.recorder() else { return };
        let now = self.of_all(self.now());
        match result {
            Ok(ending) if ending.is_well() => recorder.ends(now, None),
            Ok(Ending { error: Some(error), .. }) => recorder.ends(now, Some(error)),
            Ok(Ending { code, .. }) => recorder.ends(now, Some(&format!("exit code {code}"))),
            Err(panic) => recorder.ends(now, Some(&format!("panicked: {panic}"))),
        }
    }
}

impl Clock for Monotonic<'_> {
    fn now(&self) -> Duration {
        self.anchor.elapsed()
    }

    fn wait_for(&self, next: Next) -> Woken {
        if let Some(recorder) = self.context.recorder() {
            recorder.waits(next.due.number, self.of_all(next.due.at), next.skipped, self.of_all(self.now()));
        }
        self.context.wait_for_tick(self.anchor.checked_add(next.due.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Powers;
    use crate::error::Error;
    use crate::pidfile::{Acquired, Claimed, Patience};
    use crate::spec::setting::Readiness;
    use crate::sys::allocations;
    use std::cell::Cell;
    use std::rc::Rc;
    use std::sync::Arc;

    /// How often so many ticks of a microsecond ask for memory, with all that is around them.
    fn asked_for_memory(times: u64, agreement: &Agreement) -> usize {
        let powers = Powers {
            ready: Box::new(|| {}),
            tell: Box::new(|| None),
            reload: Box::new(|_| Error::NotRunning),
            reopen: Box::new(|| Ok(())),
        };
        let context = Context::new("x".to_owned(), None, powers, None);
        let timetable = Timetable { every: Duration::from_micros(1), times, ..Timetable::default() };
        let run = Rc::new(Cell::new(0));
        let count = Rc::clone(&run);
        let mut body: Body = Box::new(move |_| {
            count.set(count.get() + 1);
            Ending::WELL
        });
        let asked = allocations::during(|| {
            assert!(ticks(&timetable, OnError::Stop, &mut body, &context, agreement).is_continue());
        });
        assert_eq!(run.get(), times);
        asked
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs a claim")]
    fn a_tick_asks_for_no_memory() {
        let path = std::env::temp_dir().join(format!("ticks-{}", std::process::id()));
        let at_once = Patience { in_between: Duration::ZERO, running: Duration::ZERO };
        let Ok(Acquired::Mine(pidfile)) = Claimed::acquire(&path, at_once, None, &mut || Ok(())) else {
            panic!("no claim")
        };
        let pidfile = Arc::new(pidfile);
        let agreement = Agreement::alone(Readiness::Auto, Arc::new(|| {}), None, Arc::clone(&pidfile));
        // The first tick that ends well is told of.
        asked_for_memory(2, &agreement);
        agreement.wait_for_announcer();
        assert_eq!(asked_for_memory(1, &agreement), asked_for_memory(1000, &agreement));
        pidfile.release();
    }
}
