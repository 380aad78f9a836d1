//! The start of a daemon by a launcher that has much memory, by fork or (`exec`) by the program begun anew; or its stop.

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use daemon_runtime::{Context, Daemon, Start};

fn main() -> ExitCode {
    let (Ok(pidfile), Some(what)) = (env::var("BENCH_PIDFILE"), env::args().nth(1)) else { return ExitCode::from(2) };
    let daemon = Daemon::new(|ctx: &Context| {
        ctx.ready();
        while !ctx.wait(Duration::from_secs(3600)) {}
    });
    let daemon = daemon.name("ballast").pidfile(pidfile).detaching(if what == "exec" { "exec" } else { "auto" });
    if what == "stop" {
        return daemon.stop().map_or(ExitCode::FAILURE, |_| ExitCode::SUCCESS);
    }
    ballast::take();
    match ballast::timed(|| daemon.start()) {
        Ok(Start::Ready { .. }) => ExitCode::SUCCESS,
        other => {
            eprintln!("{other:?}");
            ExitCode::FAILURE
        }
    }
}
