//! Recipe 12.14 of the Python Cookbook, "Launching a Daemon Process on Unix": run it with
//! `cargo run --example cookbook -- start`, and `tail -f /tmp/daemon.log`; `stop` ends it. Another folder by
//! `COOKBOOK_FOLDER`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use daemon_runtime::{Daemon, Detached, Error, Stop};

fn daemonize(pidfile: &Path, stdin: &Path, stdout: &Path, stderr: &Path) -> Result<Detached, Error> {
    Daemon::here().pidfile(pidfile).stdin(stdin).stdout(stdout).stderr(stderr).detach()
}

fn run(daemon: &Detached) -> ! {
    println!("Daemon started with pid {}", daemon.pid());
    daemon.ready();
    loop {
        println!("Daemon Alive! {}", humantime::format_rfc3339_seconds(SystemTime::now()));
        sleep(Duration::from_secs(10));
    }
}

fn main() -> ExitCode {
    let folder = std::env::var_os("COOKBOOK_FOLDER").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    let (pidfile, log) = (folder.join("daemon.pid"), folder.join("daemon.log"));
    let args: Vec<String> = std::env::args().collect();
    let told = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "start"] => match daemonize(&pidfile, Path::new("/dev/null"), &log, &log) {
            Ok(daemon) => run(&daemon),
            Err(Error::AlreadyRunning { .. }) => "Already running".to_owned(),
            Err(e) => e.to_string(),
        },
        [_, "stop"] => match Daemon::here().pidfile(pidfile).stop() {
            Ok(Stop::NotRunning) => "Not running".to_owned(),
            Ok(_) => return ExitCode::SUCCESS,
            Err(e) => e.to_string(),
        },
        [_, unknown] => format!("Unknown command '{unknown}'"),
        _ => format!("Usage: {} [start|stop]", args.first().map_or("cookbook", String::as_str)),
    };
    eprintln!("{told}");
    ExitCode::FAILURE
}
