//! What is measured, one file for each kind.

mod growth;
mod inside;
mod lives;
mod memory;
mod size;
mod ticks;

use crate::contender::Contender;
use crate::findings::Finding;
use crate::home::Home;
use crate::options::Options;
use crate::programs::Programs;

/// What every measure needs.
pub struct Bench<'a> {
    pub options: &'a Options,
    pub home: &'a Home,
    pub programs: &'a Programs,
    pub contenders: &'a [Contender],
}

impl Bench<'_> {
    /// A part of the rounds, for what takes long or hardly varies.
    pub fn rounds(&self, share: usize) -> usize {
        self.options.rounds.div_ceil(share)
    }

    /// Whom of the contenders was asked for.
    pub fn contender(&self, name: &str) -> Option<&Contender> {
        self.contenders.iter().find(|contender| contender.name == name)
    }
}

/// All that was asked for, in the order of the table.
pub fn all(bench: &Bench<'_>) -> Vec<Finding> {
    [lives::measure, memory::measure, ticks::measure, growth::measure, size::measure, inside::measure]
        .into_iter()
        .flat_map(|measure| measure(bench))
        .collect()
}
