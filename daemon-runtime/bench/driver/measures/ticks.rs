//! Repetition: what a tick costs, and how far a schedule drifts.

use std::ffi::OsString;

use super::Bench;
use crate::contender::{OURS, YARDSTICK};
use crate::findings::{Finding, Unit};
use crate::run::Line;
use crate::statistics::median;
use crate::turns::{Turn, take};

const TICKS: u32 = 20_000;
const DRIFTING: u32 = 200;
/// How many ticks are taken together at either end of those.
const AT_AN_END: usize = 20;
const PERIOD: f64 = 0.05;
const ARTICLE: &str = "work, then sleep";

pub fn measure(bench: &Bench<'_>) -> Vec<Finding> {
    let skip = "Per tick of `every = \"1us\"` with an empty body, over 20 000 ticks; the limit is a clock_nanosleep(2) with \
         `TIMER_ABSTIME` up to the next microsecond. Most of it is the kernel's timer slack.";
    let burst = "The same with `missed = \"burst\"`, where every tick is late already and hardly anybody sleeps: what the loop \
         itself takes.";
    let mut findings = Vec::new();
    for (name, how, what) in [("tick", "skip", skip), ("tick, late", "burst", burst)] {
        if bench.options.wants(name) {
            findings.push(ticks(bench, name, how, what));
        }
    }
    if bench.options.wants("drift") {
        findings.push(drift(bench));
    }
    findings
}

fn programs(bench: &Bench<'_>) -> Vec<(&'static str, OsString)> {
    let mut all =
        vec![(YARDSTICK, bench.programs.rust("ticks-limit").into()), (OURS, bench.programs.rust("ticks-ours").into())];
    all.extend(bench.programs.ticks_in_c.iter().map(|program| ("limit, C", program.into())));
    all
}

fn line(bench: &Bench<'_>, who: &str, program: OsString, how: &str, ticks: u32) -> Line {
    let place = bench.home.place(&format!("ticks {who}"));
    Line::new([program, how.into()], &place).with("BENCH_TICKS", ticks)
}

fn ticks(bench: &Bench<'_>, name: &str, how: &str, what: &'static str) -> Finding {
    let mut finding = Finding::new(name, Unit::Time, what);
    let turn = |(who, program)| {
        let line = line(bench, who, program, how, TICKS);
        Turn::new(who, YARDSTICK, move || Ok(line.run()?.wall.as_secs_f64() / f64::from(TICKS)))
    };
    take(&mut finding, bench.rounds(20), programs(bench).into_iter().map(turn).collect());
    finding
}

/// They run at the same time, because they sleep nearly all of it.
fn drift(bench: &Bench<'_>) -> Finding {
    let what = "By how much the last of 200 ticks of 50 ms, with 20 ms to do in each, was later than the schedule that the \
         first ones kept. The last of them is the loop that everybody writes.";
    let mut finding = Finding::new("drift", Unit::Time, what);
    eprintln!("drift ...");
    let line = |who, program, how| (who, line(bench, who, program, how, DRIFTING));
    let mut lines: Vec<(&str, Line)> =
        programs(bench).into_iter().map(|(who, program)| line(who, program, "drift")).collect();
    lines.push(line(ARTICLE, bench.programs.rust("ticks-limit").into(), "article"));
    for round in 0..bench.rounds(40) {
        let begun: Vec<_> = lines.iter().map(|(who, line)| (who, line.begin())).collect();
        for (who, begun) in begun {
            match begun.and_then(|begun| drifted(&begun.numbers()?).ok_or("it did not do all ticks".to_owned())) {
                Ok(seconds) => finding.note(who, "", round, seconds),
                Err(reason) => println!("drift: {who} is left out, because {reason}"),
            }
        }
    }
    finding
}

/// The drift over all ticks, in seconds. One tick may come late for many reasons; so the median of some at each end counts.
fn drifted(came: &[f64]) -> Option<f64> {
    let late: Vec<f64> = came.iter().enumerate().map(|(tick, came)| came / 1e9 - tick as f64 * PERIOD).collect();
    if late.len() != DRIFTING as usize {
        return None;
    }
    let (first, last) = (&late[..AT_AN_END], &late[late.len() - AT_AN_END..]);
    let between = (late.len() - AT_AN_END) as f64;
    Some((median(last.to_vec())? - median(first.to_vec())?) / between * (late.len() - 1) as f64)
}
