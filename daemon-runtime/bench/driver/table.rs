//! Findings as Markdown.

use std::fmt::Write;

use crate::findings::{Finding, Unit};

/// A section for one finding.
pub fn section(finding: &Finding) -> String {
    let mut text = format!("## {}\n\n{}\n\n", finding.name, finding.what);
    text += &heading(finding);
    for row in &finding.rows {
        let Some(spread) = row.spread() else { continue };
        let [lower, median, upper] = [spread.lower, spread.median, spread.upper].map(|value| finding.unit.told(value));
        let ratio = finding.ratio(row).map_or_else(String::new, ratio);
        let rounds = row.values.iter().flatten().count();
        let at = row.at.map_or_else(String::new, |at| format!(" {at} |"));
        let _ = writeln!(text, "|{at} {} | {median} | {lower} – {upper} | {ratio} | {rounds} |", row.who);
    }
    if let Some(remark) = &finding.remark {
        let _ = write!(text, "\n{remark}\n");
    }
    text
}

fn heading(finding: &Finding) -> String {
    let across = if finding.across.is_empty() { String::new() } else { format!(" {} |", finding.across) };
    let line = if finding.across.is_empty() { "" } else { "--:|" };
    format!("|{across} | median | quartiles | ratio | rounds |\n|{line}---|--:|--:|--:|--:|\n")
}

/// A ratio with three figures that count, or all before the point.
pub fn ratio(ratio: f64) -> String {
    let decimals = if ratio < 9.995 { 2 } else { usize::from(ratio < 99.95) };
    format!("{ratio:.decimals$}")
}

/// The measures of the limit's promises side by side: what each contender takes, and what that is of the limit.
pub fn side_by_side(findings: &[Finding], measures: &[&str]) -> String {
    let chosen: Vec<&Finding> =
        measures.iter().filter_map(|name| findings.iter().find(|finding| finding.name == **name)).collect();
    let mut text =
        format!("| |{}\n|---|{}\n", cells(measures.iter().map(|name| (*name).to_owned())), "--:|".repeat(chosen.len()));
    let Some(first) = chosen.first() else { return String::new() };
    for who in first.lines() {
        let cell = |finding: &&Finding| {
            let row = finding.row(who)?;
            let median = finding.unit.told(row.spread()?.median);
            Some(format!("**{}** ({median})", ratio(finding.ratio(row)?)))
        };
        let cells = cells(chosen.iter().map(|finding| cell(finding).unwrap_or_default()));
        let _ = writeln!(text, "| {who} |{cells}");
    }
    text
}

fn cells(all: impl Iterator<Item = String>) -> String {
    all.map(|cell| format!(" {cell} |")).collect()
}

/// Whether a finding has a picture.
pub fn is_drawn(finding: &Finding) -> bool {
    finding.unit != Unit::Pages
}
