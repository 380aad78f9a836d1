//! Everything that a worker may return.
#![deny(warnings)]

use std::fmt::{self, Display};
use std::process::{ExitCode, Termination};

use daemon_runtime::{Context, Outcome, Tick, daemon, repeat_daemon};

/// Has `Display` and no `Debug`.
struct Shown;

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shown")
    }
}

#[daemon]
fn nothing() {}

#[daemon]
fn never() -> ! {
    loop {
        std::thread::park();
    }
}

#[daemon]
fn never_with_context(ctx: &Context) -> ! {
    ctx.ready();
    std::process::exit(0)
}

#[daemon]
fn result_with_display() -> Result<(), Shown> {
    Err(Shown)
}

#[daemon]
fn result_with_both(ctx: &Context) -> Result<(), std::io::Error> {
    ctx.ready();
    std::fs::remove_file("/nowhere")?;
    Ok(())
}

#[daemon]
fn result_with_box() -> Result<(), Box<dyn std::error::Error>> {
    let _: u32 = "7".parse()?;
    Ok(())
}

#[daemon]
fn result_with_exit_code() -> Result<ExitCode, Shown> {
    Ok(ExitCode::from(7))
}

#[daemon]
fn exit_code(ctx: &Context) -> ExitCode {
    ctx.ready();
    ExitCode::SUCCESS
}

#[daemon]
fn any_termination() -> impl Termination {
    ExitCode::FAILURE
}

#[repeat_daemon(every = "5s")]
fn tick() {}

#[repeat_daemon(every = "5s")]
fn tick_with_tick(tick: &Tick) -> Result<(), Shown> {
    if tick.number() > 3 { Err(Shown) } else { Ok(()) }
}

#[repeat_daemon(every = "5s")]
fn tick_with_context(ctx: &Context) -> ExitCode {
    ctx.ready();
    ExitCode::SUCCESS
}

fn main() {
    let _: [fn(&'static str) -> Outcome; 12] = [
        nothing,
        never,
        never_with_context,
        result_with_display,
        result_with_both,
        result_with_box,
        result_with_exit_code,
        exit_code,
        any_termination,
        tick,
        tick_with_tick,
        tick_with_context,
    ];
}
