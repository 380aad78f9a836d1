//! `status --watch`: what there is to tell, looked at again and again, and drawn on the terminal until somebody leaves.
//!
//! Three parts that do not know each other: `samples` keeps what was seen, `draw` makes a picture of it, `screen` and `events`
//! are the terminal. A look is what `status` does, and between two of them this process sleeps.

mod draw;
mod events;
mod samples;
mod screen;

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

use anstyle_query::{no_color, term_supports_ansi_color};
use nix::libc;

use self::draw::{Ink, View};
use self::events::{Event, Events};
use self::samples::Watched;
use self::screen::Screen;
use super::{Outcome, error_code, error_line, state_code, terminal, usage};
use crate::action::{Answer, Status, StatusOptions};
use crate::error::Error;
use crate::sys::clock::monotonic;

/// Looks at all that are to be shown.
pub(super) type Look<'a> = &'a mut dyn FnMut() -> Vec<Result<Status, Error>>;

/// As often as a person could make use of it.
const LEAST: Duration = Duration::from_millis(100);

/// How soon the second look follows, without which there is no share of the processors to tell.
const SOON: Duration = Duration::from_millis(300);

/// Shows it until somebody leaves; then the answer is that of the last look.
pub(super) fn watch(options: &StatusOptions, every: Duration, look: Look<'_>) -> Outcome {
    if let Some(reason) = refusal(options, every) {
        return usage(&error_line(&reason), 2);
    }
    let first = look();
    if let Some(at) = first.iter().position(Result::is_err) {
        return last(first.into_iter().skip(at).take(1).collect(), None);
    }
    let mut watching = Watching { every, begun: monotonic(), seen: first.iter().map(|_| Watched::default()).collect() };
    watching.note(first);
    match watching.show(look) {
        Ok(signal) => last(watching.answers(), signal),
        Err(source) => {
            // So says a terminal that is gone: its hang-up comes at the same time.
            let is_gone = source.raw_os_error() == Some(libc::EIO);
            last(vec![Err(Error::Terminal { source })], is_gone.then_some(libc::SIGHUP))
        }
    }
}

/// Why it cannot be shown, if it cannot.
fn refusal(options: &StatusOptions, every: Duration) -> Option<String> {
    const INSTEAD: &str = "use `status --json` in a loop, or watch(1)";
    if options.json || options.ready || !options.fields.is_empty() {
        Some("`--watch` shows what it shows: it cannot be used with `--json`, `--fields` or `--ready`".to_owned())
    } else if every < LEAST {
        let every = humantime::format_duration(every);
        Some(format!("`--watch={every}` is too often: {} is the least", humantime::format_duration(LEAST)))
    } else if !io::stdout().is_terminal() {
        Some(format!("`--watch` draws on a terminal, and stdout is none: {INSTEAD}"))
    } else if !term_supports_ansi_color() || env::var_os("TERM").is_none_or(|term| term.is_empty()) {
        Some(format!("`--watch` cannot draw on this terminal (TERM is `dumb`, or not set): {INSTEAD}"))
    } else {
        None
    }
}

/// The outcome of what was seen last; or of the signal that has ended the view.
fn last(mut answers: Vec<Result<Status, Error>>, signal: Option<i32>) -> Outcome {
    answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(terminal::fail);
    let codes = answers.iter().map(|answer| answer.as_ref().map_or_else(error_code, |s| state_code(&s.state)));
    let code = codes.into_iter().find(|code| *code != 0).unwrap_or(0);
    let code = signal.map_or(code, |signal| u8::try_from(128 + signal).unwrap_or(code));
    let result = match (answers.pop(), answers.is_empty()) {
        (Some(answer), true) => answer.map(Answer::Status),
        _ => Ok(Answer::All),
    };
    Outcome { result, code }
}

/// What is watched, and since when.
struct Watching {
    every: Duration,
    begun: Duration,
    seen: Vec<Watched>,
}

impl Watching {
    /// Draws and looks until somebody leaves. The signal that has ended it, if it was another than that of Ctrl-C.
    fn show(&mut self, look: Look<'_>) -> io::Result<Option<i32>> {
        let ink = if no_color() { Ink::Plain } else { Ink::Coloured };
        let mut events = Events::begin()?;
        let mut screen = Screen::take()?;
        let mut due = monotonic().saturating_add(self.every.min(SOON));
        let mut is_stale = true;
        loop {
            if monotonic() >= due {
                self.note(look());
                due = monotonic().saturating_add(self.every);
                is_stale = true;
            }
            screen.send()?;
            // Not before the one before is sent: a slow terminal gets fewer of them.
            if is_stale && screen.unsent().is_none() {
                screen.draw(|frame| draw::draw(frame, &self.view(ink)))?;
                screen.send()?;
                is_stale = false;
            }
            let event = events.next(due.saturating_sub(monotonic()), screen.unsent())?;
            // A picture has the size of the terminal as it is then.
            is_stale |= event != Event::None;
            match event {
                Event::None | Event::Resized => {}
                Event::Anew => screen.anew(),
                Event::Suspended => {
                    screen.give_back();
                    events = events.suspend()?;
                    screen.take_again()?;
                }
                Event::Continued => screen.take_again()?,
                Event::Left => return Ok(None),
                Event::Ended(signal) => return Ok(Some(signal)),
            }
        }
    }

    fn view(&self, ink: Ink) -> View<'_> {
        View { seen: &self.seen, every: self.every, watched: monotonic().saturating_sub(self.begun), ink }
    }

    fn note(&mut self, answers: Vec<Result<Status, Error>>) {
        let now = monotonic();
        self.seen.iter_mut().zip(answers).for_each(|(seen, answer)| seen.note(now, answer));
    }

    fn answers(self) -> Vec<Result<Status, Error>> {
        self.seen.into_iter().filter_map(Watched::into_answer).collect()
    }
}
