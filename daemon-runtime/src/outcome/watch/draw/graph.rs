//! The small graphs: a column for each look, or for each tick.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{RenderDirection, Sparkline, SparklineBar};

use super::{Ink, row};
use crate::action::RecentTick;

/// What stands where a look has told nothing.
const GAP: &str = "\u{b7}";

/// Beneath a tick that ended well, and beneath one that did not.
const WELL: &str = ".";
const FAILED: &str = "\u{d7}";

/// A column for each look, the last one at the right edge; the most that there was is as high as the area.
pub(super) fn looks(
    frame: &mut Frame<'_>,
    area: Rect,
    values: impl Iterator<Item = Option<u64>>,
    most: u64,
    style: Style,
) {
    let bars: Vec<Option<u64>> = values.take(usize::from(area.width)).collect();
    let graph = Sparkline::default().data(bars).max(most.max(1)).direction(RenderDirection::RightToLeft);
    frame.render_widget(graph.style(style).absent_value_symbol(GAP).absent_value_style(style), area);
}

/// A bar for each of the last ticks, as high as it was long; beneath it how it came out.
pub(super) fn ticks(frame: &mut Frame<'_>, area: Rect, ticks: &[RecentTick], ink: Ink) {
    let Some(last_row) = area.height.checked_sub(1) else { return };
    let width = usize::from(area.width);
    // With room for it there is some between them.
    let step = if width >= 2 * ticks.len() { 2 } else { 1 };
    let shown = ticks.get(ticks.len().saturating_sub(width / step)..).unwrap_or_default();
    let signs: Vec<Span<'_>> = shown.iter().flat_map(|tick| apart(sign(tick, ink), Span::raw(" "), step)).collect();
    frame.render_widget(Line::from(signs), row(area, last_row));
    let bars = shown.iter().flat_map(|tick| apart(bar(tick, ink), SparklineBar::from(None::<u64>), step));
    let graph = Sparkline::default().data(bars.collect::<Vec<_>>()).style(ink.ticks()).absent_value_symbol(" ");
    frame.render_widget(graph, Rect { height: last_row, ..area });
}

fn apart<T>(one: T, between: T, step: usize) -> impl Iterator<Item = T> {
    [one, between].into_iter().take(step)
}

fn bar(tick: &RecentTick, ink: Ink) -> SparklineBar {
    let took = u64::try_from(tick.took.as_nanos()).unwrap_or(u64::MAX);
    SparklineBar::from(took).style(if tick.ok { ink.ticks() } else { ink.bad() })
}

fn sign(tick: &RecentTick, ink: Ink) -> Span<'static> {
    if tick.ok { Span::styled(WELL, ink.quiet()) } else { Span::styled(FAILED, ink.bad()) }
}
