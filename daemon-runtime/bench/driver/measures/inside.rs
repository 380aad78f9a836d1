//! The parts that need no process of their own, by criterion.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::Criterion;
use daemon_runtime::{Context, Daemon};
use proc_macro2::TokenStream;

use super::Bench;
use crate::contender::OURS;
use crate::findings::{Finding, Unit};

const TICKS: u64 = 1000;

const ATTRIBUTE: &str = r#"
    pidfile = "~/greeter.pid", stdout = "~/greeter.log", user = "www-data", umask = 0o027, start_timeout = "10s",
    signals(SIGHUP = read_configuration, SIGUSR1 = "ignore"), before(privileges = bind), env(RUST_LOG = "info")
"#;
const ITEM: &str = "fn greeter(ctx: &Context) -> Result<(), std::io::Error> { serve(ctx) }";

pub fn measure(bench: &Bench<'_>) -> Vec<Finding> {
    let what = "Within one process, by criterion: the median, and the interval that it is in with a confidence of 95 %. The \
         schedule is the arithmetic of when the next tick is due; the status is `Daemon::status` of a daemon that runs; the \
         expansion is all that the attribute does in the compiler, with eight keys.";
    let mut finding = Finding::new("inside", Unit::Time, what);
    if !bench.options.wants(&finding.name) {
        return Vec::new();
    }
    let output = bench.home.folder("criterion");
    let mut criterion = Criterion::default().without_plots().output_directory(&output);
    criterion.bench_function("schedule", |bencher| bencher.iter(|| inside::ticks(black_box(TICKS))));
    for (name, done) in [("expansion", expansion(&mut criterion)), ("status", status(bench, &mut criterion))] {
        done.unwrap_or_else(|reason| println!("left out: {name}, because {reason}"));
    }
    for (name, per) in [("schedule", TICKS as f64), ("expansion", 1.0), ("status", 1.0)] {
        let who = if name == "schedule" { "schedule, per tick" } else { name };
        for (round, nanoseconds) in estimates(&output.join(name)).into_iter().flatten().enumerate() {
            finding.note(who, who, round, nanoseconds / 1e9 / per);
        }
    }
    vec![finding]
}

fn expansion(criterion: &mut Criterion) -> Result<(), String> {
    let tokens = |text: &str| text.parse::<TokenStream>().map_err(|error| error.to_string());
    let (attribute, item) = (tokens(ATTRIBUTE)?, tokens(ITEM)?);
    let code = inside::expand_daemon(&attribute, &item).to_string();
    if code.contains("compile_error") {
        return Err(code);
    }
    criterion.bench_function("expansion", |bencher| {
        bencher.iter(|| inside::expand_daemon(black_box(&attribute), black_box(&item)));
    });
    Ok(())
}

fn status(bench: &Bench<'_>, criterion: &mut Criterion) -> Result<(), String> {
    let contender = bench.contender(OURS).ok_or("it was not asked for")?;
    let place = bench.home.place("inside");
    contender.start(&place)?;
    let daemon = Daemon::new(|_: &Context| {}).name("inside").pidfile(place.pidfile.clone());
    criterion.bench_function("status", |bencher| bencher.iter(|| daemon.status().map(black_box)));
    contender.end(&place)
}

/// The ends of the interval and what lies between, in nanoseconds, as criterion has written them.
fn estimates(folder: &Path) -> Option<[f64; 3]> {
    let text = fs::read_to_string(folder.join("new/estimates.json")).ok()?;
    let all: serde_json::Value = serde_json::from_str(&text).ok()?;
    let median = all.get("median")?;
    let interval = median.get("confidence_interval")?;
    let bound = |name| interval.get(name)?.as_f64();
    Some([bound("lower_bound")?, median.get("point_estimate")?.as_f64()?, bound("upper_bound")?])
}
