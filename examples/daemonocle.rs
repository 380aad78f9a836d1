//! The basic example of daemonocle's README, with an action of its own: run it with
//! `cargo run --example daemonocle -- start`, `status`, `stop`, and `log`, which shows `~/daemonocle_example.log`.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use daemon_runtime::daemon;

/// Logs every ten seconds that it is still running.
#[daemon(
    pidfile = "~/daemonocle_example.pid",
    stdout = log_path(),
    on_shutdown = cb_shutdown,
    actions(
        /// Show the log
        log = show_log,
    ),
)]
fn main() {
    log("INFO", "daemon is starting");
    loop {
        log("DEBUG", "still running!");
        sleep(Duration::from_secs(10));
    }
}

fn cb_shutdown(message: &str, _code: i32) {
    log("INFO", "daemon is stopping");
    log("DEBUG", message);
}

fn log(level: &str, message: &str) {
    println!("{} [{level}] {message}", humantime::format_rfc3339_millis(SystemTime::now()));
}

fn show_log() -> io::Result<()> {
    io::copy(&mut File::open(log_path())?, &mut io::stdout()).map(drop)
}

fn log_path() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into())).join("daemonocle_example.log")
}
