//! The memory that an idle daemon has for itself.

use std::fs;
use std::thread;
use std::time::Duration;

use super::Bench;
use crate::contender::{Contender, YARDSTICK};
use crate::findings::{Finding, Unit};
use crate::home::{Home, Place};
use crate::turns::{Turn, take};

/// How long a daemon has until it is taken for idle.
const SETTLE: Duration = Duration::from_millis(200);

/// How many more there are of the same program. Of two, each has pages of the file in memory that the other happens not to have.
const OTHERS: usize = 3;

const WHAT: &str = "`Private_Clean` and `Private_Dirty` in the `smaps_rollup` of an idle daemon, while three more of the same \
     program run, so that what they share is not counted.";

pub fn measure(bench: &Bench<'_>) -> Vec<Finding> {
    let mut finding = Finding::new("private memory", Unit::Bytes, WHAT);
    if !bench.options.wants(&finding.name) {
        return Vec::new();
    }
    // Pages of a program that are not yet on the disk count as private and dirty.
    nix::unistd::sync();
    let turn = |contender: &'_ Contender| {
        let contender = contender.clone();
        Turn::new(contender.name, YARDSTICK, move || of(&contender, bench.home))
    };
    take(&mut finding, bench.rounds(40), bench.contenders.iter().map(turn).collect());
    vec![finding]
}

fn of(contender: &Contender, home: &Home) -> Result<f64, String> {
    let place = home.place(contender.name);
    let pid = contender.start(&place)?;
    let others: Vec<Place> = (0..OTHERS).map(|other| home.place(&format!("{} {other}", contender.name))).collect();
    for other in &others {
        contender.start(other)?;
    }
    thread::sleep(SETTLE);
    let private = private_bytes(pid);
    [place].iter().chain(&others).try_for_each(|place| contender.end(place))?;
    private
}

fn private_bytes(pid: i32) -> Result<f64, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).map_err(|error| error.to_string())?;
    let private = text.lines().filter(|line| line.starts_with("Private_Clean:") || line.starts_with("Private_Dirty:"));
    let kibibytes = private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    Ok(kibibytes.sum::<f64>() * 1024.0)
}
