//! What is said after `--`.

use std::path::PathBuf;

use clap::Parser;

use crate::contender::YARDSTICK;

/// Measures what it costs to be a daemon.
#[derive(Parser, Debug)]
pub struct Options {
    /// Only measures whose name has one of these texts
    pub only: Vec<String>,
    /// How often the fast contenders take their turn; the slow ones every tenth time
    #[arg(long, default_value_t = 200)]
    pub rounds: usize,
    /// Only these contenders, and the limit in Rust
    #[arg(long = "contender")]
    pub contenders: Vec<String>,
    /// Where the daemons of a run have their folder, instead of in the system's for what is temporary
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// Renews the table and the plots that the README shows
    #[arg(long)]
    pub write: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Whether this contender takes part.
    pub fn has(&self, contender: &str) -> bool {
        self.contenders.is_empty() || contender == YARDSTICK || self.contenders.iter().any(|name| name == contender)
    }

    /// Whether the measure of this name was asked for.
    pub fn wants(&self, measure: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| measure.contains(text.as_str()))
    }
}
