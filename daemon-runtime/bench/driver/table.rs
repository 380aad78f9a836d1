//! Findings as Markdown.

use std::fmt::Write;

use crate::findings::Finding;

/// A table of one finding.
pub fn of(finding: &Finding) -> String {
    let mut text =
        format!("### {}\n\n| | median | quartiles | of the limit | rounds |\n|---|--:|--:|--:|--:|\n", finding.name);
    for row in &finding.rows {
        let Some(spread) = row.spread() else { continue };
        let [lower, median, upper] = [spread.lower, spread.median, spread.upper].map(|value| finding.unit.told(value));
        let ratio = finding.ratio(row).map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let rounds = row.values.iter().flatten().count();
        let _ = writeln!(text, "| {} | {median} | {lower} – {upper} | {ratio} | {rounds} |", row.who);
    }
    text
}
