//! The picture of what was seen. It knows no terminal and no clock: what is given to it is all that is in it.

mod graph;
mod rows;
mod whole;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::samples::Watched;
use crate::action::State;
use crate::error::{self, harmless_lines};

/// What there is to draw.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) seen: &'a [Watched],
    /// How often it is looked.
    pub(super) every: Duration,
    /// For how long it has been watched.
    pub(super) watched: Duration,
    pub(super) ink: Ink,
}

/// Whether there are colours. Nothing is told by a colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Coloured,
    Plain,
}

impl Ink {
    fn of(self, colour: Color) -> Style {
        match self {
            Self::Coloured => Style::new().fg(colour),
            Self::Plain => Style::new(),
        }
    }

    fn strong(self, colour: Color) -> Style {
        match self {
            Self::Coloured => self.of(colour).add_modifier(Modifier::BOLD),
            Self::Plain => Style::new(),
        }
    }

    fn name(self) -> Style {
        self.strong(Color::Reset)
    }

    fn good(self) -> Style {
        self.strong(Color::Green)
    }

    fn bad(self) -> Style {
        self.strong(Color::Red)
    }

    fn doubtful(self) -> Style {
        self.strong(Color::Yellow)
    }

    fn quiet(self) -> Style {
        match self {
            Self::Coloured => Style::new().add_modifier(Modifier::DIM),
            Self::Plain => Style::new(),
        }
    }

    fn cpu(self) -> Style {
        self.of(Color::Cyan)
    }

    fn memory(self) -> Style {
        self.of(Color::Magenta)
    }

    fn ticks(self) -> Style {
        self.of(Color::Blue)
    }
}

/// One daemon as a whole, or several in a row each.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View<'_>) {
    let area = frame.area();
    match view.seen {
        [one] => whole::draw(frame, area, view, one),
        several => rows::draw(frame, area, view, several),
    }
}

/// What the picture ends with, where there is room: on the area's last line.
fn footer(view: &View<'_>) -> Line<'static> {
    let told = format!("every {}, for {}; q leaves", span(view.every), span(whole_seconds(view.watched)));
    Line::styled(told, view.ink.quiet()).alignment(Alignment::Right)
}

/// Whether it runs, in a word or two.
fn state(view: &View<'_>, seen: &Watched) -> Span<'static> {
    let ink = view.ink;
    match seen.answer() {
        Some(Ok(status)) => match &status.state {
            State::Running(_) => Span::styled("running", ink.good()),
            State::Dead { .. } | State::NotRunning => Span::styled("not running", ink.bad()),
            State::Starting { .. } => Span::styled("starting", ink.doubtful()),
            State::Unknown { .. } => Span::styled("cannot tell", ink.doubtful()),
        },
        Some(Err(_)) => Span::styled("cannot look", ink.bad()),
        None => Span::raw(""),
    }
}

/// The line of an area, counted from above; nothing where it has no such line.
fn row(area: Rect, at: u16) -> Rect {
    Rect { y: area.y.saturating_add(at), height: 1, ..area }.intersection(area)
}

fn cpu(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.1} %"))
}

#[allow(clippy::cast_precision_loss, reason = "a tenth of a MiB needs no more than 52 bits of a byte count")]
fn bytes(count: Option<u64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| format!("{:.1} MiB", count as f64 / 1_048_576.0))
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

fn span(time: Duration) -> String {
    super::super::ticks::span(time)
}

/// Words from elsewhere, on one line.
fn harmless(words: &str) -> String {
    harmless_lines(words).chars().map(error::harmless).collect()
}

/// The name as it is drawn, no wider than this.
fn name(view: &View<'_>, seen: &Watched, room: usize) -> Span<'static> {
    Span::styled(shortened(&harmless(seen.name()), room), view.ink.name())
}

/// How wide a name may be beside others of this width: what they leave, or a little of what the state alone leaves, and a
/// sign of it at least.
fn room_for_names(area: Rect, state: usize, all: usize) -> usize {
    const LITTLE: usize = 8;
    let width = usize::from(area.width);
    width.saturating_sub(all).max(width.saturating_sub(state).clamp(1, LITTLE))
}

/// Words that are no wider than this, with the middle left out where they would be: both ends of a name tell.
fn shortened(words: &str, room: usize) -> String {
    const LEFT_OUT: &str = "\u{2026}";
    let width = |words: &str| Span::raw(words).width();
    if width(words) <= room {
        return words.to_owned();
    }
    let Some(room) = room.checked_sub(1) else { return String::new() };
    let parts = || words.char_indices().map(|(at, _)| words.split_at(at));
    let end = parts().map(|(_, end)| end).find(|end| width(end) <= room / 2).unwrap_or_default();
    let left = room.saturating_sub(width(end));
    let start = parts().map(|(start, _)| start).take_while(|start| width(start) <= left).last().unwrap_or_default();
    format!("{start}{LEFT_OUT}{end}")
}

#[cfg(test)]
mod tests;
