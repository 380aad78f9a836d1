//! What the limit does, with the attribute.

use std::env::var_os;
use std::time::Duration;

use daemon_runtime::{Context, Outcome, daemon};

/// Is ready at once, unless it is told to fail, and ends as soon as it is asked to.
#[daemon(
    pidfile = var_os("BENCH_PIDFILE").expect("a pidfile"),
    stdout = var_os("BENCH_LOG").expect("a log"),
    stderr = var_os("BENCH_LOG").expect("a log"),
)]
fn ours(ctx: &Context) -> Result<(), &'static str> {
    if var_os("BENCH_FAILS").is_some() {
        return Err("no such luck");
    }
    ctx.ready();
    while !ctx.wait(Duration::from_secs(3600)) {}
    Ok(())
}

fn main() -> Outcome {
    ours(std::env::args_os())
}
