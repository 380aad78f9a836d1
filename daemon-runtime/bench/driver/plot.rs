//! Findings as pictures. White behind, so that they can be read on a dark page too.

use std::fmt::Display;
use std::path::Path;

use plotters::coord::combinators::IntoLogRange;
use plotters::coord::ranged1d::AsRangedCoord;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::contender::{OURS, YARDSTICK};
use crate::findings::{Finding, Row, Unit};
use crate::statistics::Spread;
use crate::table;

const WIDTH: u32 = 760;
const BAR: u32 = 30;
/// What is above and below the bars.
const FRAME: u32 = 110;
const NAMES: u32 = 210;
/// From such a range on, what is short would not be seen on a scale that is even.
const WIDE: f64 = 15.0;

const FONT: &str = "sans-serif";
const OURS_COLOUR: RGBColor = RGBColor(0xd9, 0x5f, 0x02);
const LIMIT_COLOUR: RGBColor = RGBColor(0x1b, 0x6c, 0x8c);
const OTHER_COLOUR: RGBColor = RGBColor(0x8a, 0x8f, 0x98);

/// Draws a finding.
pub fn draw(finding: &Finding, file: &Path) -> Result<(), String> {
    let failed = |error: &dyn Display| format!("{} cannot be drawn: {error}", file.display());
    if finding.rows.iter().all(|row| row.at.is_some()) {
        return lines(finding, file).map_err(|error| failed(&error));
    }
    let sizes = |row: &Row| Some(row.spread()?.sizes(finding.unit.step()));
    let rows: Vec<(&Row, Spread)> = finding.rows.iter().filter_map(|row| Some((row, sizes(row)?))).collect();
    let (least, most) = range(rows.iter().map(|(_, spread)| spread));
    let done = if most / least > WIDE {
        let least = 10_f64.powf(least.log10().floor() - 0.05);
        // What stands beside the longest bar has a quarter of the width.
        let end = most * (most / least).powf(0.36);
        bars(finding, &rows, file, (least..end).log_scale(), least, end)
    } else {
        bars(finding, &rows, file, 0.0..most * 1.4, 0.0, most * 1.4)
    };
    done.map_err(|error| failed(&error))
}

fn range<'a>(spreads: impl Iterator<Item = &'a Spread>) -> (f64, f64) {
    spreads.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), spread| {
        (least.min(spread.median.max(1e-9)), most.max(spread.upper))
    })
}

fn colour(who: &str) -> RGBColor {
    match who {
        _ if who.starts_with(OURS) || who.contains("by fork") => OURS_COLOUR,
        _ if who.contains(YARDSTICK) || who.starts_with("limit") => LIMIT_COLOUR,
        _ => OTHER_COLOUR,
    }
}

/// What the axis shows.
fn axis(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "time",
        Unit::Bytes => "memory or file",
        Unit::Pages => "pages",
    }
}

/// A bar for each row, from the least that is shown up to the median, with its quartiles and, beside it, the median in words.
fn bars<R>(
    finding: &Finding,
    rows: &[(&Row, Spread)],
    file: &Path,
    scale: R,
    least: f64,
    most: f64,
) -> Result<(), Box<dyn std::error::Error>>
where
    R: AsRangedCoord<Value = f64>,
    R::CoordDescType: ValueFormatter<f64>,
{
    let count = rows.len() as u32;
    let size = (WIDTH, count * BAR + FRAME);
    let area = SVGBackend::new(file, size).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(&finding.name, (FONT, 20))
        .margin(12)
        .margin_right(24)
        .y_label_area_size(NAMES)
        .x_label_area_size(50)
        .build_cartesian_2d(scale, 0.0..f64::from(count))?;
    let kind = if least > 0.0 { " (logarithmic)" } else { "" };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_labels(6)
        .x_desc(format!("{}{kind}", axis(finding.unit)))
        .label_style((FONT, 14))
        .x_label_formatter(&|value| finding.unit.marked(*value))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .draw()?;
    for (place, (row, spread)) in rows.iter().rev().enumerate() {
        let middle = place as f64 + 0.5;
        let [lower, median, upper] = [spread.lower, spread.median, spread.upper].map(|value| value.clamp(least, most));
        let area = chart.plotting_area();
        let bar = [(least, middle - 0.32), (median, middle + 0.32)];
        area.draw(&Rectangle::new(bar, colour(&row.who).filled()))?;
        area.draw(&PathElement::new([(lower, middle), (upper, middle)], BLACK.stroke_width(2)))?;
        let (left, right) = (written(HPos::Right), written(HPos::Left));
        area.draw(&(EmptyElement::at((least, middle)) + Text::new(row.who.clone(), (-8, 0), left)))?;
        area.draw(&(EmptyElement::at((upper, middle)) + Text::new(told(finding, row), (6, 0), right)))?;
    }
    area.present()?;
    Ok(())
}

/// The median, and what it is of the yardstick.
fn told(finding: &Finding, row: &Row) -> String {
    let median = row.spread().map_or_else(String::new, |spread| finding.unit.told(spread.median));
    match finding.ratio(row).filter(|_| row.who != row.yardstick) {
        Some(ratio) => format!("{median} (×{})", table::ratio(ratio)),
        None => median,
    }
}

fn written(side: HPos) -> TextStyle<'static> {
    (FONT, 14).into_font().color(&BLACK).pos(Pos::new(side, VPos::Center))
}

/// A line for each who is there at several places.
fn lines(finding: &Finding, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let (least, most) = range(finding.rows.iter().filter_map(Row::spread).collect::<Vec<_>>().iter());
    let end = finding.rows.iter().filter_map(|row| row.at).fold(0.0, f64::max);
    let area = SVGBackend::new(file, (WIDTH, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(&finding.name, (FONT, 20))
        .margin(12)
        .margin_right(30)
        .y_label_area_size(90)
        .x_label_area_size(50)
        .build_cartesian_2d(0.0..end, (least / 1.5..most * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(finding.across)
        .y_desc(format!("{} (logarithmic)", axis(finding.unit)))
        .label_style((FONT, 14))
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| finding.unit.marked(*value))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .draw()?;
    for who in finding.lines() {
        let colour = colour(who);
        let points = finding.line(who);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(4))?
            .label(who)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .label_font((FONT, 14))
        .draw()?;
    area.present()?;
    Ok(())
}
