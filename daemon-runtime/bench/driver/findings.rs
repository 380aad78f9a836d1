//! What was measured: for each contender a value in every round that it took part in.

use crate::contender::YARDSTICK;
use crate::statistics::{Spread, median};

/// One measure of all contenders.
#[derive(Debug, Clone)]
pub struct Finding {
    pub name: String,
    pub unit: Unit,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Values are seconds.
    Time,
    /// Values are pages.
    Pages,
}

/// The values of one contender: none, in a round that it did not take part in.
#[derive(Debug, Clone)]
pub struct Row {
    pub who: String,
    pub values: Vec<Option<f64>>,
}

impl Finding {
    pub fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), unit, rows: Vec::new() }
    }

    /// Notes a value in a round.
    pub fn note(&mut self, who: &str, round: usize, value: f64) {
        let at = self.rows.iter().position(|row| row.who == who).unwrap_or_else(|| {
            self.rows.push(Row { who: who.to_owned(), values: Vec::new() });
            self.rows.len() - 1
        });
        let values = &mut self.rows[at].values;
        values.resize(values.len().max(round + 1), None);
        values[round] = Some(value);
    }

    fn row(&self, who: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.who == who)
    }

    /// The median of the rounds' ratios to the yardstick.
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        let limit = self.row(YARDSTICK)?;
        let ratios = row.values.iter().zip(&limit.values).filter_map(|(value, limit)| Some((*value)? / (*limit)?));
        median(ratios.collect())
    }
}

impl Row {
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(self.values.iter().flatten().copied().collect())
    }
}

impl Unit {
    /// A value for a person, with its unit.
    pub fn told(self, value: f64) -> String {
        match self {
            Self::Time if value < 1e-6 => three(value * 1e9, "ns"),
            Self::Time if value < 1e-3 => three(value * 1e6, "µs"),
            Self::Time if value < 1.0 => three(value * 1e3, "ms"),
            Self::Time => three(value, "s"),
            Self::Pages => format!("{value:.0}"),
        }
    }
}

/// With three figures that count.
fn three(value: f64, unit: &str) -> String {
    let decimals = if value.abs() < 9.995 { 2 } else { usize::from(value.abs() < 99.95) };
    format!("{value:.decimals$} {unit}")
}
