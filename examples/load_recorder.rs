//! Samples the load and the memory of this machine every few seconds into a CSV file.
//!
//! `cargo run --example load_recorder -- start`; the samples are in `~/load_recorder.csv`. Another file by
//! `LOAD_RECORDER_CSV`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use daemon_runtime::{Outcome, Tick, repeat_daemon};

/// Records the load and the memory of this machine as CSV, every two seconds.
#[repeat_daemon(every = "2s", pidfile = "~/load_recorder.pid", stderr = "~/load_recorder.log")]
fn load_recorder(tick: &Tick) -> io::Result<()> {
    let path = std::env::var_os("LOAD_RECORDER_CSV").map_or_else(default_csv, PathBuf::from);
    let mut csv = OpenOptions::new().append(true).create(true).open(path)?;
    if csv.metadata()?.len() == 0 {
        writeln!(csv, "time,tick,load1,load5,load15,mem_total_kb,mem_available_kb")?;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let load = fs::read_to_string("/proc/loadavg")?;
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    let memory = fs::read_to_string("/proc/meminfo")?;
    let (total, available) = (kilobytes(&memory, "MemTotal:"), kilobytes(&memory, "MemAvailable:"));
    writeln!(csv, "{now},{},{},{total},{available}", tick.number(), load.join(","))
}

fn default_csv() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into())).join("load_recorder.csv")
}

fn kilobytes<'a>(meminfo: &'a str, key: &str) -> &'a str {
    let line = meminfo.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_whitespace().nth(1).unwrap_or("")
}

fn main() -> Outcome {
    load_recorder(std::env::args_os())
}
