//! The work itself: the worker, or the ticks of a repeating daemon, with whatever they do caught and put into words.

use std::any::Any;
use std::cell::Cell;
use std::io::Write;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::time::{Duration, Instant};

use super::agreement::Agreement;
use super::daemon::Arrived;
use super::startup::Word;
use super::{end, program, reason};
use crate::context::{Cause, Context, Tick};
use crate::schedule::{Clock, Turn, repeat};
use crate::spec::setting::OnError;
use crate::spec::worker::{Body, Ending};
use crate::spec::{Job, Timetable};

/// The exit code of a panic, as Rust has it.
pub(crate) const PANICKED: u8 = 101;

/// How the work came out.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: u8,
    pub(crate) reason: String,
}

/// Runs the job to its end.
pub(super) fn run(job: &mut Job, context: &Context, arrived: &Arrived) -> Outcome {
    let agreement = &*arrived.agreement;
    match job {
        Job::Here => well(context),
        Job::Program { program, args } => {
            once(guarded(|| program::run(program, args, context, &arrived.plan)), context, agreement)
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
    let reason = match context.asked() {
        Some(Cause::Signal(signal)) => reason::by_signal(signal),
        Some(Cause::Worker) | None => reason::NORMALLY.to_owned(),
    };
    Outcome { code: 0, reason }
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
    let clock = Monotonic { anchor: Instant::now(), context };
    let mut tick = Tick::new(context.clone());
    repeat(timetable, &clock, |turn| {
        let scheduled = clock.anchor.checked_add(turn.due.at).unwrap_or(clock.anchor);
        tick.turn(turn.due.number, scheduled, turn.lateness);
        one_tick(body, &tick, turn, on_error, agreement)
    })
}

fn one_tick(body: &mut Body, tick: &Tick, turn: Turn, on_error: OnError, agreement: &Agreement) -> ControlFlow<Broken> {
    let result = guarded(|| body(tick));
    if matches!(&result, Ok(ending) if ending.is_well()) {
        // The last tick's end is the daemon's end, which is told as such.
        if !turn.last {
            agreement.ready_by_itself();
        }
        return ControlFlow::Continue(());
    }
    let told = failure(tick.number(), &result);
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

fn failure(number: u64, result: &Result<Ending, String>) -> String {
    match result {
        Ok(Ending { error: Some(error), .. }) => format!("tick {number} failed: {error}"),
        Ok(Ending { code, .. }) => format!("tick {number} failed with exit code {code}"),
        Err(panic) => format!("tick {number} panicked: {panic}"),
    }
}

// Not by `eprintln!`, which panics where stderr cannot be written to.
pub(crate) fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The monotonic clock, counted from the daemon's beginning, and woken by a shutdown.
struct Monotonic<'a> {
    anchor: Instant,
    context: &'a Context,
}

impl Clock for Monotonic<'_> {
    fn now(&self) -> Duration {
        self.anchor.elapsed()
    }

    fn wait_until(&self, at: Duration) -> bool {
        self.context.wait_until(self.anchor.checked_add(at))
    }
}

thread_local! {
    /// The text and the place of this thread's last panic.
    static LAST_PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs anything; a panic comes back as its text and place.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|payload| LAST_PANIC.take().unwrap_or_else(|| text_of(payload.as_ref()).to_owned()))
}

/// The text and the place of the panic that this thread is unwinding from.
pub(crate) fn panic_in_progress() -> Option<String> {
    std::thread::panicking().then(|| LAST_PANIC.take().unwrap_or_default())
}

/// Keeps the text and the place of a panic, which are known in the panic hook only, and leaves the rest to the hook that
/// was there before. Where a panic aborts, this is also the last moment for the end of the daemon.
pub(crate) fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            let told = in_words(info);
            if cfg!(panic = "abort") {
                end::before_abort(&told);
            }
            LAST_PANIC.set(Some(told));
        }));
    });
}

fn in_words(info: &PanicHookInfo<'_>) -> String {
    let text = text_of(info.payload());
    match info.location() {
        Some(place) => format!("{text} ({}:{}:{})", place.file(), place.line(), place.column()),
        None => text.to_owned(),
    }
}

fn text_of(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
