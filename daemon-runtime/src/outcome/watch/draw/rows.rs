//! Several daemons of a kind, each in a row of its own.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::whole::hundredths;
use super::{View, bytes, cpu, footer, graph, harmless, row, span, state, whole_seconds};
use crate::action::Ticks;
use crate::outcome::watch::samples::Watched;

/// Between the text of a row and its graph.
const BETWEEN: u16 = 2;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, seen: &[Watched]) {
    let room = usize::from(area.height.saturating_sub(1)).max(1);
    let width = seen.iter().map(|one| one.name().chars().count()).max().unwrap_or(0);
    let lines: Vec<Line<'_>> = seen.iter().map(|one| line(view, one, width)).collect();
    let text = lines.iter().map(Line::width).max().unwrap_or(0);
    let begins = u16::try_from(text).unwrap_or(u16::MAX).saturating_add(BETWEEN);
    // All on the same scale.
    let most = seen.iter().filter_map(|one| one.most().cpu).map(hundredths).max().unwrap_or(0).max(100);
    for ((at, line), one) in (0..).zip(&lines).zip(seen).take(room) {
        let row = row(area, at);
        frame.render_widget(line, row);
        let width = row.width.saturating_sub(begins);
        let beside = Rect { x: row.x.saturating_add(begins), width, ..row }.intersection(row);
        let values = one.backwards().map(|sample| sample.cpu.map(hundredths));
        graph::looks(frame, beside, values, most, view.ink.cpu());
    }
    let last = match seen.len().saturating_sub(room) {
        0 => footer(view),
        more => Line::raw(format!("and {more} more: `--instance N` shows one")),
    };
    if area.height > 1 {
        frame.render_widget(last, row(area, area.height - 1));
    }
}

fn line<'a>(view: &View<'a>, seen: &'a Watched, width: usize) -> Line<'a> {
    let mut spans = vec![Span::styled(format!("{:width$}", harmless(seen.name())), view.ink.name()), Span::raw("  ")];
    spans.push(state(view, seen));
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
    Line::from(spans)
}
