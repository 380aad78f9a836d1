//! Workers with flags of their own.
#![deny(warnings)]

use daemon_runtime::{Context, Outcome, Tick, daemon, repeat_daemon};

/// What the user's own flags are.
#[derive(clap::Args, Clone)]
struct Options {
    /// Where to listen.
    #[arg(long, default_value_t = 7070)]
    port: u16,
}

/// Has no `Clone`, which only ticks need.
#[derive(clap::Args)]
struct Once {
    #[arg(long)]
    name: Option<String>,
}

#[daemon]
fn by_value(#[args] once: Once) {
    drop(once.name);
}

#[daemon]
fn by_reference(#[args] options: &Options) {
    println!("{}", options.port);
}

#[daemon(ready = "notify")]
fn with_context(ctx: &Context, #[args] options: Options) -> Result<(), std::io::Error> {
    ctx.ready();
    println!("{}", options.port);
    Ok(())
}

#[daemon]
fn taken_apart(_: &Context, #[args] Options { port }: Options) -> ! {
    std::process::exit(port.into())
}

#[daemon]
fn by_path(
    #[args]
    #[allow(unused_variables, reason = "other attributes stay")]
    options: &self::Options,
) {
}

#[repeat_daemon(every = "5s")]
fn tick(#[args] options: Options) {
    println!("{}", options.port);
}

#[repeat_daemon(every = "5s")]
fn tick_with_tick(tick: &Tick, #[args] options: &Options) {
    println!("{} {}", tick.number(), options.port);
}

/// A whole program, were it at the root.
mod program {
    /// Reads its own command line.
    #[daemon_runtime::daemon]
    pub(crate) fn main(ctx: &daemon_runtime::Context, #[args] options: crate::Options) {
        ctx.ready();
        println!("{}", options.port);
    }
}

fn main() {
    let _: [fn(&'static str) -> Outcome; 7] =
        [by_value, by_reference, with_context, taken_apart, by_path, tick, tick_with_tick];
    let _: fn() -> Outcome = program::main;
}
