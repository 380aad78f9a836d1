//! What was measured: for each contender a value in every round that it took part in.

use crate::statistics::{Spread, median};

/// One measure of all who took part in it.
#[derive(Debug, Clone)]
pub struct Finding {
    pub name: String,
    /// What was measured, for who reads the table.
    pub what: &'static str,
    pub unit: Unit,
    pub rows: Vec<Row>,
    /// What the rows' places are, where they have some.
    pub across: &'static str,
    /// What follows from it.
    pub remark: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Values are seconds.
    Time,
    Bytes,
    Pages,
}

/// The values of one of them: none, in a round that it did not take part in.
#[derive(Debug, Clone)]
pub struct Row {
    pub who: String,
    /// Whom it is put beside.
    pub yardstick: String,
    /// Where it is on the line of all rows of this name, with how that is told.
    pub at: Option<f64>,
    pub values: Vec<Option<f64>>,
}

impl Finding {
    pub fn new(name: impl Into<String>, unit: Unit, what: &'static str) -> Self {
        Self { name: name.into(), what, unit, rows: Vec::new(), across: "", remark: None }
    }

    /// Notes a value in a round.
    pub fn note(&mut self, who: &str, yardstick: &str, round: usize, value: f64) {
        self.note_at(None, who, yardstick, round, value);
    }

    /// Notes a value of one who is measured at several places.
    pub fn note_at(&mut self, at: Option<f64>, who: &str, yardstick: &str, round: usize, value: f64) {
        let found = self.rows.iter().position(|row| row.who == who && row.at == at);
        let found = found.unwrap_or_else(|| {
            self.rows.push(Row { who: who.to_owned(), yardstick: yardstick.to_owned(), at, values: Vec::new() });
            self.rows.len() - 1
        });
        let values = &mut self.rows[found].values;
        values.resize(values.len().max(round + 1), None);
        values[round] = Some(value);
    }

    /// Who is measured at several places.
    pub fn lines(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !names.contains(&row.who.as_str()) {
                names.push(&row.who);
            }
        }
        names
    }

    /// The places of one of them, with the medians.
    pub fn line(&self, who: &str) -> Vec<(f64, f64)> {
        let rows = self.rows.iter().filter(|row| row.who == who);
        rows.filter_map(|row| Some((row.at?, row.spread()?.median))).collect()
    }

    pub fn row(&self, who: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.who == who)
    }

    fn yardstick(&self, of: &Row) -> Option<&Row> {
        self.rows.iter().find(|row| row.who == of.yardstick && row.at == of.at)
    }

    /// The median of the rounds' ratios to the yardstick.
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        let limit = self.yardstick(row)?;
        let ratios = row.values.iter().zip(&limit.values).filter_map(|(value, limit)| Some((*value)? / (*limit)?));
        median(ratios.collect())
    }

    /// In the order of a list of names; who is not in it comes last.
    pub fn sort_by_names(&mut self, names: &[&str]) {
        let place = |row: &Row| names.iter().position(|name| *name == row.who).unwrap_or(names.len());
        let at = |row: &Row| row.at.unwrap_or_default();
        self.rows.sort_by(|one, other| at(one).total_cmp(&at(other)).then(place(one).cmp(&place(other))));
    }

    /// Its name in the name of a file.
    pub fn file_name(&self) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let name: String = self.name.chars().map(plain).collect();
        name.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
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
        let size = value.abs();
        match self {
            Self::Time if size < 1e-6 => three(value * 1e9, "ns"),
            Self::Time if size < 1e-3 => three(value * 1e6, "µs"),
            Self::Time if size < 1.0 => three(value * 1e3, "ms"),
            Self::Time => three(value, "s"),
            Self::Bytes if size < f64::from(1 << 20) => three(value / 1024.0, "KiB"),
            Self::Bytes => three(value / f64::from(1 << 20), "MiB"),
            Self::Pages => format!("{value:.0}"),
        }
    }
}

impl Unit {
    /// What pictures count in: something that has round marks at powers of ten.
    pub fn step(self) -> f64 {
        if self == Self::Bytes { 1024.0 } else { 1.0 }
    }

    /// A mark on an axis, of so many steps.
    pub fn marked(self, steps: f64) -> String {
        if self == Self::Bytes {
            return format!("{steps:.0} KiB");
        }
        // Marks are reckoned, and so a hair's breadth off.
        let told = self.told(steps * (1.0 + 1e-9));
        let Some((number, unit)) = told.split_once(' ') else { return told };
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        if steps == 0.0 { "0".to_owned() } else { format!("{number} {unit}") }
    }
}

/// With three figures that count.
fn three(value: f64, unit: &str) -> String {
    let decimals = if value.abs() < 9.995 { 2 } else { usize::from(value.abs() < 99.95) };
    format!("{value:.decimals$} {unit}")
}
