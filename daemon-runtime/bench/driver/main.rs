//! What it costs to be a daemon, beside the least that it can cost. See `CONTRIBUTING.md`, "Benchmarks".
//!
//! Contenders take turns in every round, so that whatever else the machine does meanwhile hits all alike, and what counts is
//! the median of the rounds' ratios to the limit. It measures, and asserts nothing.

mod contender;
mod findings;
mod home;
mod lives;
mod options;
mod programs;
mod run;
mod statistics;
mod table;
mod warden;

use std::process::ExitCode;

use clap::Parser;

use self::home::Home;
use self::options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    warden::guarded(options.folder.as_deref(), |folder| measure(&options, Home::in_folder(folder)))
}

fn measure(options: &Options, home: Home) -> Result<(), String> {
    let programs = programs::Programs::build()?;
    let mut contenders = contender::all(&programs);
    contenders.retain(|contender| {
        options.contenders.is_empty() || options.contenders.iter().any(|name| *name == contender.name)
    });
    let findings = lives::measure(options, &home, &mut contenders);
    for finding in &findings {
        println!("{}", table::of(finding));
    }
    Ok(())
}
