//! What the crate adds to a small program: to the binary, and to the time that a clean build takes.

use std::fs;
use std::time::Instant;

use super::Bench;
use crate::findings::{Finding, Unit};
use crate::programs::cargo;

/// The same program without the attribute, with it, and with it but without what can be left out.
const WAYS: [(&str, &[&str]); 3] = [
    (WITHOUT, &["--no-default-features"]),
    ("with it, no default features", &["--no-default-features", "--features", "daemon"]),
    ("with it", &[]),
];
const WITHOUT: &str = "without the attribute";

pub fn measure(bench: &Bench<'_>) -> Vec<Finding> {
    let size = "The stripped binary of a small program, without the attribute and with it, with the crate's default features or none.";
    let mut size = Finding::new("size", Unit::Bytes, size);
    let time = "A clean `cargo build --release` of it, with all dependencies, once.";
    let mut time = Finding::new("build", Unit::Time, time);
    if !bench.options.wants(&size.name) && !bench.options.wants(&time.name) {
        return Vec::new();
    }
    eprintln!("size, build ...");
    for (who, features) in WAYS {
        match build(bench, features) {
            Ok((bytes, seconds)) => {
                size.note(who, WITHOUT, 0, bytes);
                time.note(who, WITHOUT, 0, seconds);
            }
            Err(reason) => println!("left out: {who}, because {reason}"),
        }
    }
    for finding in [&mut size, &mut time] {
        finding.remark = added(finding);
    }
    vec![size, time]
}

/// By how much each is more than without.
fn added(finding: &Finding) -> Option<String> {
    let median = |who: &str| Some(finding.row(who)?.spread()?.median);
    let without = median(WITHOUT)?;
    let told = |(who, _): &(&str, _)| Some(format!("{who}: {} more", finding.unit.told(median(who)? - without)));
    Some(WAYS[1..].iter().filter_map(told).collect::<Vec<_>>().join("; ") + ".")
}

fn build(bench: &Bench<'_>, features: &[&str]) -> Result<(f64, f64), String> {
    let target = bench.home.folder("build");
    let begun = Instant::now();
    cargo(["build", "--release", "-p", "sample", "--target-dir", &target.to_string_lossy()].iter().chain(features))?;
    let seconds = begun.elapsed().as_secs_f64();
    let size = fs::metadata(target.join("release/sample")).map_err(|error| error.to_string())?.len();
    fs::remove_dir_all(&target).map_err(|error| error.to_string())?;
    Ok((size as f64, seconds))
}
