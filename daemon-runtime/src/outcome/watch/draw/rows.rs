//! Several daemons of a kind, each in a row of its own.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::whole::hundredths;
use super::{View, bytes, cpu, footer, graph, name, room_for_names, row, span, state, whole_seconds};
use crate::action::Ticks;
use crate::outcome::watch::samples::Watched;

/// Between the text of a row and its graph.
const BETWEEN: u16 = 2;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, seen: &[Watched]) {
    let room = usize::from(area.height.saturating_sub(1)).max(1);
    let seen = in_order(seen, room);
    let rows = rows(area, view, &seen);
    let text = rows.iter().map(Line::width).max().unwrap_or(0);
    let begins = u16::try_from(text).unwrap_or(u16::MAX).saturating_add(BETWEEN);
    // All on the same scale.
    let most = seen.iter().filter_map(|one| one.most_kept().cpu).map(hundredths).max().unwrap_or(0).max(100);
    for ((at, line), one) in (0..).zip(&rows).zip(&seen).take(room) {
        let row = row(area, at);
        frame.render_widget(line, row);
        let width = row.width.saturating_sub(begins);
        let beside = Rect { x: row.x.saturating_add(begins), width, ..row }.intersection(row);
        let values = one.backwards().map(|sample| sample.cpu.map(hundredths));
        graph::looks(frame, beside, values, most, view.ink.cpu());
    }
    if area.height > 1 {
        let last = match seen.get(room..) {
            None | Some([]) => footer(view),
            Some(hidden) => Line::raw(without_room(hidden)),
        };
        frame.render_widget(last, row(area, area.height - 1));
    }
}

/// Where there is not room for all, those that do not run come first.
fn in_order(seen: &[Watched], room: usize) -> Vec<&Watched> {
    let mut seen: Vec<_> = seen.iter().collect();
    if seen.len() > room {
        seen.sort_by_key(|one| one.vitals().is_some());
    }
    seen
}

fn without_room(hidden: &[&Watched]) -> String {
    let not_running = match hidden.iter().filter(|one| one.vitals().is_none()).count() {
        0 => String::new(),
        count => format!(", {count} of them not seen running"),
    };
    format!("and {} more{not_running}: `--instance N` shows one", hidden.len())
}

/// The text of each, with the names as wide as the longest one, or as there is room for.
fn rows(area: Rect, view: &View<'_>, seen: &[&Watched]) -> Vec<Line<'static>> {
    let rest: Vec<_> = seen.iter().map(|one| (state(view, one), numbers(view, one))).collect();
    let states = rest.iter().map(|(state, _)| state.width()).max().unwrap_or(0);
    let all = rest.iter().map(|(state, numbers)| state.width() + numbers.iter().map(Span::width).sum::<usize>()).max();
    let room = room_for_names(area, 2 + states, 2 + all.unwrap_or(0));
    let names: Vec<_> = seen.iter().map(|one| name(view, one, room)).collect();
    let widest = names.iter().map(Span::width).max().unwrap_or(0);
    let line = |(name, (state, numbers)): (Span<'static>, (Span<'static>, Vec<Span<'static>>))| {
        let between = Span::raw(" ".repeat(2 + widest - name.width()));
        [name, between, state].into_iter().chain(numbers).collect()
    };
    names.into_iter().zip(rest).map(line).collect()
}

fn numbers(view: &View<'_>, seen: &Watched) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if let Some(vitals) = seen.vitals() {
        let up = vitals.uptime.map_or_else(String::new, |uptime| span(whole_seconds(uptime)));
        let (pid, now) = (vitals.pid, seen.now());
        spans.push(Span::raw(format!("  {pid:<7} {up:<12} {:>8} {:>11}", cpu(now.cpu), bytes(now.memory))));
        let ticks = seen.answer().and_then(|answer| answer.as_ref().ok()?.ticks.as_ref()?.as_ref().ok());
        if let Some(Ticks { done, failed, .. }) = ticks {
            spans.push(Span::raw(format!("  {done} done, ")));
            let style = if *failed > 0 { view.ink.bad() } else { view.ink.quiet() };
            spans.push(Span::styled(format!("{failed} failed"), style));
        }
    }
    spans
}
