//! The memory that an idle daemon has for itself.

use std::fs;
use std::thread;
use std::time::Duration;

use super::Bench;
use crate::contender::{Contender, YARDSTICK};
use crate::findings::{Finding, Unit};
use crate::home::Home;
use crate::turns::{Turn, take};

/// How long a daemon has until it is taken for idle.
const SETTLE: Duration = Duration::from_millis(200);

const WHAT: &str = "`Private_Clean` and `Private_Dirty` in the `smaps_rollup` of an idle daemon, while a second one of the same \
     program runs, so that what the two share is not counted.";

pub fn measure(bench: &Bench<'_>) -> Vec<Finding> {
    let mut finding = Finding::new("private memory", Unit::Bytes, WHAT);
    if !bench.options.wants(&finding.name) {
        return Vec::new();
    }
    // Pages of a program that are not yet on the disk count as private and dirty.
    nix::unistd::sync();
    let turn = |contender| Turn::new(contender_name(contender), YARDSTICK, move || of(contender, bench.home));
    take(&mut finding, bench.rounds(40), bench.contenders.iter().map(turn).collect());
    vec![finding]
}

fn contender_name(contender: &Contender) -> &str {
    contender.name
}

fn of(contender: &Contender, home: &Home) -> Result<f64, String> {
    let (place, beside) = (home.place(contender.name), home.place(&format!("{} beside", contender.name)));
    let pid = contender.start(&place)?;
    contender.start(&beside)?;
    thread::sleep(SETTLE);
    let private = private_bytes(pid);
    contender.end(&place)?;
    contender.end(&beside)?;
    private
}

fn private_bytes(pid: i32) -> Result<f64, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).map_err(|error| error.to_string())?;
    let private = text.lines().filter(|line| line.starts_with("Private_Clean:") || line.starts_with("Private_Dirty:"));
    let kibibytes = private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    Ok(kibibytes.sum::<f64>() * 1024.0)
}
