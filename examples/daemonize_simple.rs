//! What most programs use the crate `daemonize` for, with this one: become a daemon, and go on with the next line.
//!
//! `cargo run --example daemonize_simple`; what it says is in `/tmp/daemon.out`. Another folder by `DAEMONIZE_FOLDER`.

use std::path::PathBuf;
use std::process::ExitCode;

use daemon_runtime::Daemon;

fn main() -> ExitCode {
    let folder = std::env::var_os("DAEMONIZE_FOLDER").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    let daemon = Daemon::here()
        .pidfile(folder.join("test.pid"))
        .workdir(&folder)
        .stdout(folder.join("daemon.out"))
        .stderr(folder.join("daemon.err"));

    match daemon.detach() {
        Ok(_daemon) => {
            println!("Success, daemonized");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("Error, {e}");
            ExitCode::FAILURE
        }
    }
}
