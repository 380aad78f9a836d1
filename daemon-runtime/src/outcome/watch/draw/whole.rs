//! One daemon, with all that there is to tell of it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{View, bytes, cpu, footer, graph, harmless, name, room_for_names, row, span, state, whole_seconds};
use crate::action::{RecentTick, State, Status, Ticks};
use crate::outcome::watch::samples::{Sample, Watched};

/// Lines of text, each with the graph below it that it may have.
struct Part<'a> {
    line: Line<'a>,
    graph: Option<Graph<'a>>,
}

#[derive(Clone, Copy)]
enum Graph<'a> {
    Cpu,
    Memory,
    Ticks(&'a [RecentTick]),
}

impl Graph<'_> {
    /// How many lines it makes use of.
    fn most(self) -> u16 {
        match self {
            Self::Cpu => 6,
            Self::Memory => 3,
            Self::Ticks(_) => 5,
        }
    }
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, seen: &Watched) {
    let parts = parts(area, view, seen);
    let heights = heights(&parts, area.height);
    let mut at = 0;
    for (part, height) in parts.iter().zip(heights) {
        frame.render_widget(&part.line, row(area, at));
        let below = Rect { y: area.y.saturating_add(at).saturating_add(1), height, ..area }.intersection(area);
        match part.graph.filter(|_| height > 0) {
            Some(Graph::Ticks(ticks)) => graph::ticks(frame, below, ticks, view.ink),
            Some(Graph::Cpu) => shares(frame, below, view, seen),
            Some(Graph::Memory) => memory(frame, below, view, seen),
            None => {}
        }
        at = at.saturating_add(1).saturating_add(height);
    }
    if at < area.height {
        frame.render_widget(footer(view), row(area, area.height - 1));
    }
}

/// How many lines each part's graph has: those that the text leaves, one after the other to each.
fn heights(parts: &[Part<'_>], height: u16) -> Vec<u16> {
    // And one for what the picture ends with.
    let lines = u16::try_from(parts.len() + 1).unwrap_or(u16::MAX);
    let mut left = height.saturating_sub(lines);
    let mut heights = vec![0; parts.len()];
    let most = |part: &Part<'_>| part.graph.map_or(0, Graph::most);
    while left > 0 && parts.iter().zip(&heights).any(|(part, height)| *height < most(part)) {
        for (part, height) in parts.iter().zip(&mut heights) {
            if *height < most(part) && left > 0 {
                (*height, left) = (*height + 1, left - 1);
            }
        }
    }
    heights
}

fn parts<'a>(area: Rect, view: &View<'a>, seen: &'a Watched) -> Vec<Part<'a>> {
    let plain = |line| Part { line, graph: None };
    let mut parts = vec![plain(head(area, view, seen))];
    parts.extend(reason(seen).map(|why| plain(labelled("why", harmless(&why)))));
    let (now, most) = (seen.now(), seen.most());
    let line = labelled("cpu", format!("{:<12}max {}", cpu(now.cpu), cpu(most.cpu)));
    parts.push(Part { line, graph: Some(Graph::Cpu) });
    parts.push(Part { line: memory_line(seen, now, most), graph: Some(Graph::Memory) });
    if let Some(Ok(status)) = seen.answer() {
        parts.extend(of_ticks(status));
        let ticks = status.ticks.as_ref().and_then(|ticks| ticks.as_ref().ok());
        parts.extend(ticks.and_then(|ticks| ticks.last_failed.as_ref()).map(|failed| {
            let told = format!("tick {} failed: {}", failed.number, harmless(&failed.error));
            plain(Line::from(vec![label("error"), Span::styled(told, view.ink.bad())]))
        }));
        parts.extend(status.text.as_ref().map(|text| plain(labelled("says", harmless(text)))));
    }
    parts
}

fn head(area: Rect, view: &View<'_>, seen: &Watched) -> Line<'static> {
    let state = vec![Span::raw("  "), state(view, seen)];
    let mut numbers = Vec::new();
    if let Some(vitals) = seen.vitals() {
        numbers.push(Span::raw(format!("  pid {}", vitals.pid)));
        let up = vitals.uptime.map(|uptime| format!("  up {}", span(whole_seconds(uptime))));
        let processes = vitals.group_num_procs.map(|count| match count {
            1 => "  1 process".to_owned(),
            count => format!("  {count} processes"),
        });
        numbers.extend(up.into_iter().chain(processes).map(Span::raw));
    }
    let width = |spans: &[Span<'_>]| spans.iter().map(Span::width).sum::<usize>();
    let room = room_for_names(area, width(&state), width(&state) + width(&numbers));
    [name(view, seen, room)].into_iter().chain(state).chain(numbers).collect()
}

/// Why it does not run, or what cannot be told of it.
fn reason(seen: &Watched) -> Option<String> {
    match seen.answer()? {
        Err(error) => Some(error.to_string()),
        Ok(status) => match &status.state {
            State::Dead { left } => Some(left.clone()),
            State::Unknown { reason } => Some(reason.clone()),
            State::Running(vitals) => vitals.untold.clone(),
            State::NotRunning | State::Starting { .. } => None,
        },
    }
}

fn memory_line(seen: &Watched, now: Sample, most: Sample) -> Line<'static> {
    let share = seen.vitals().and_then(|vitals| vitals.memory_percent);
    let share = share.map_or_else(String::new, |share| format!("   {share:.1} % of the machine's"));
    labelled("memory", format!("{:<12}max {}{share}", bytes(now.memory), bytes(most.memory)))
}

fn of_ticks(status: &Status) -> Vec<Part<'_>> {
    let plain = |told| Part { line: labelled("ticks", told), graph: None };
    match &status.ticks {
        None => Vec::new(),
        Some(Err(why)) => vec![plain(format!("cannot be told ({})", harmless(why)))],
        Some(Ok(ticks)) => {
            let Ticks { done, failed, skipped, .. } = ticks;
            let counts = plain(format!("{done} done, {failed} failed, {skipped} skipped"));
            let longest = ticks.recent.iter().map(|tick| tick.took).max();
            let last = longest.map(|longest| match ticks.recent.len() {
                1 => format!("; the last one took {}", span(longest)),
                count => format!("; of the last {count} the longest took {}", span(longest)),
            });
            let line = labelled("next", format!("{}{}", next(ticks), last.unwrap_or_default()));
            vec![counts, Part { line, graph: Some(Graph::Ticks(&ticks.recent)) }]
        }
    }
}

fn next(ticks: &Ticks) -> String {
    let running = ticks.running.as_ref().map(|tick| format!("tick {} runs for {}", tick.number, span(tick.since)));
    let next = ticks.next.as_ref().map(|next| format!("tick {} in {}", next.number, span(next.due_in)));
    let paused = ticks.paused.then(|| "paused".to_owned());
    let told: Vec<_> = [running, next, paused].into_iter().flatten().collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn shares(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, seen: &Watched) {
    let values = seen.backwards().map(|sample| sample.cpu.map(hundredths));
    // Less than a percent is no mountain.
    let most = seen.most_kept().cpu.map_or(0, hundredths).max(100);
    graph::looks(frame, area, values, most, view.ink.cpu());
}

fn memory(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, seen: &Watched) {
    let values = seen.backwards().map(|sample| sample.memory);
    graph::looks(frame, area, values, seen.most_kept().memory.unwrap_or(0), view.ink.memory());
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share is not negative, and ends before u64 does"
)]
pub(super) fn hundredths(percent: f64) -> u64 {
    (percent * 100.0).round() as u64
}

fn labelled(name: &'static str, told: impl Into<String>) -> Line<'static> {
    Line::from(vec![label(name), Span::styled(told.into(), Style::new())])
}

fn label(name: &'static str) -> Span<'static> {
    Span::raw(format!("{name:<8}"))
}
