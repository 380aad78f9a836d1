//! What it costs to be a daemon, beside the least that it can cost. See `CONTRIBUTING.md`, "Benchmarks".
//!
//! Contenders take turns in every round, so that whatever else the machine does meanwhile hits all alike, and what counts is
//! the median of the rounds' ratios to the limit. It measures, and asserts nothing.

mod contender;
mod findings;
mod home;
mod measures;
mod options;
mod plot;
mod programs;
mod report;
mod run;
mod statistics;
mod table;
mod turns;
mod warden;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use self::home::Home;
use self::measures::Bench;
use self::options::Options;
use self::programs::Programs;
use self::report::Run;

fn main() -> ExitCode {
    let options = Options::parse();
    warden::guarded(options.folder.as_deref(), |folder| measure(&options, folder))
}

fn measure(options: &Options, folder: &Path) -> Result<(), String> {
    let programs = Programs::build()?;
    let mut contenders = contender::all(&programs);
    contenders.retain(|contender| options.has(contender.name));
    let (home, run) = (Home::in_folder(folder), Run::of(options, folder));
    let findings = measures::all(&Bench { options, home: &home, programs: &programs, contenders: &contenders });
    println!("{}", report::page(&run, &findings));
    if options.write { report::write(&run, &findings) } else { Ok(()) }
}
