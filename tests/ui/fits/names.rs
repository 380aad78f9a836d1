//! No name of the generated code is in the way of a name of the user's.
#![deny(warnings)]
#![no_implicit_prelude]

use ::daemon_runtime::{Context, Outcome, daemon};

#[allow(dead_code, reason = "only there to be in the way")]
mod core {}

#[allow(dead_code, reason = "only there to be in the way")]
mod std {}

fn action() -> &'static str {
    "/run/worker.pid"
}

fn args() {}

fn handle() -> &'static str {
    "/dev/null"
}

#[daemon(pidfile = action(), stdout = handle(), signals(SIGHUP = args), env(A = action()))]
fn worker(ctx: &Context) {
    let _ = (action(), handle(), args());
    ctx.ready();
}

fn main() {
    let _: fn(&'static str) -> Outcome = worker;
}
