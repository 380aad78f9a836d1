//! The start of a daemon with the crate daemonize, which has no other action. Its launcher ends as soon as it has forked and
//! the child has ended, whatever becomes of the daemon after that; so it knows of no start that fails in the worker.

use std::fs::File;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (Ok(pidfile), Ok(log)) = (std::env::var("BENCH_PIDFILE"), std::env::var("BENCH_LOG")) else {
        return ExitCode::from(2);
    };
    let Ok(out) = File::options().append(true).create(true).open(log) else { return ExitCode::FAILURE };
    let Ok(err) = out.try_clone() else { return ExitCode::FAILURE };
    let daemonize = daemonize::Daemonize::new().pid_file(pidfile).working_directory("/").stdout(out).stderr(err);
    if let Err(error) = daemonize.start() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    loop {
        // SAFETY: touches no memory.
        unsafe { libc::pause() };
    }
}
