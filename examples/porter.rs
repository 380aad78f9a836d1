//! A server that is at home under any service manager: it listens on the socket that it is given, tells how it is, gives
//! signs of life, and at a reload begins its program anew without turning anybody away.
//!
//! `cargo run --example porter -- run`, then `nc 127.0.0.1 7071`; another address by `PORTER_ADDRESS`, and another pidfile than root's
//! `/run/porter.pid`, or a user's in his runtime directory, by `PORTER_PIDFILE`.

use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use daemon_runtime::{Context, Outcome, daemon};

static RELOAD: AtomicBool = AtomicBool::new(false);

/// Left out unless somebody wants it elsewhere.
fn pidfile() -> Option<PathBuf> {
    std::env::var_os("PORTER_PIDFILE").map(PathBuf::from)
}

fn ask_for_reload() {
    RELOAD.store(true, Ordering::SeqCst);
}

/// Opens the door.
#[daemon(
    pidfile = pidfile(),
    stdout = "~/porter.log",
    stderr = "~/porter.log",
    ready = "notify",
    signals(SIGHUP = ask_for_reload)
)]
fn porter(ctx: &Context) -> io::Result<()> {
    let listener = match ctx.sockets().into_iter().next() {
        Some(socket) => socket.into_tcp_listener()?,
        None => TcpListener::bind(std::env::var("PORTER_ADDRESS").unwrap_or_else(|_| "127.0.0.1:7071".to_owned()))?,
    };
    listener.set_nonblocking(true)?;
    ctx.set_status(format!("at the door of {}", listener.local_addr()?));
    ctx.ready();
    while !ctx.wait(Duration::from_millis(20)) {
        match listener.accept() {
            // A guest who has left already is no failure of ours.
            Ok((mut guest, _)) => drop(writeln!(guest, "welcome, says {} (pid {})", ctx.name(), ctx.pid())),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
        if RELOAD.swap(false, Ordering::SeqCst) {
            eprintln!("{}", ctx.reload());
        }
    }
    Ok(())
}

fn main() -> Outcome {
    porter(std::env::args_os())
}
