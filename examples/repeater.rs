//! A server of one connection, for a super-server as inetd: the connection is its stdin and its stdout.
//!
//! inetd begins one process for each guest, so each has a pidfile of its own, by its pid; in the home directory, or
//! in `REPEATER_FOLDER`.

use std::io::{self, Write};

use daemon_runtime::{Context, Outcome, Template, daemon, expand};

fn pidfile() -> Template {
    let folder = std::env::var("REPEATER_FOLDER").unwrap_or_else(|_| "~".to_owned());
    expand(format!("{folder}/repeater-{}.pid", std::process::id()))
}

/// Says again whatever it hears.
#[daemon(pidfile = pidfile())]
fn repeater(ctx: &Context) -> io::Result<()> {
    ctx.ready();
    for line in io::stdin().lines() {
        writeln!(io::stdout(), "{} says {}", ctx.pid(), line?)?;
    }
    Ok(())
}

fn main() -> Outcome {
    repeater(std::env::args_os())
}
