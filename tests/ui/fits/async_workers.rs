//! Workers that are `async`.
#![deny(warnings)]

use std::process::ExitCode;

use daemon_runtime::{Context, Outcome, Tick, daemon, repeat_daemon};

#[derive(clap::Args, Clone)]
struct Options {
    #[arg(long, default_value_t = 7070)]
    port: u16,
}

#[daemon]
async fn nothing() {}

#[daemon]
async fn never() -> ! {
    std::future::pending().await
}

#[daemon]
async fn never_with_context(ctx: &Context) -> ! {
    ctx.ready();
    std::future::pending().await
}

#[daemon(ready = "notify")]
async fn with_context(ctx: &Context) -> Result<(), std::io::Error> {
    ctx.ready();
    ctx.shutdown().await;
    Ok(())
}

#[daemon]
async fn with_flags(#[args] options: Options) -> ExitCode {
    std::future::ready(ExitCode::from(u8::from(options.port == 0))).await
}

#[daemon]
async fn with_both(ctx: &Context, #[args] options: &Options) {
    println!("{}", options.port);
    ctx.shutdown().await;
}

#[repeat_daemon(every = "5s")]
async fn tick() {}

#[repeat_daemon(every = "5s")]
async fn tick_with_both(tick: &Tick, #[args] options: Options) -> Result<(), String> {
    std::future::ready(()).await;
    if tick.number() > 3 { Err(options.port.to_string()) } else { Ok(()) }
}

/// A whole program, were it at the root.
mod program {
    #[daemon_runtime::daemon]
    pub(crate) async fn main(ctx: &daemon_runtime::Context) {
        ctx.shutdown().await;
    }
}

fn main() {
    let _: [fn(&'static str) -> Outcome; 8] =
        [nothing, never, never_with_context, with_context, with_flags, with_both, tick, tick_with_both];
    let _: fn() -> Outcome = program::main;
}
