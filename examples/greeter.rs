//! A TCP server that is ready when it listens: `start` returns at that moment, and tells why if it cannot.
//!
//! `cargo run --example greeter -- start`, then `nc 127.0.0.1 7070`; another address by `GREETER_ADDRESS`.

use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;
use std::time::Duration;

use daemon_runtime::{Context, Outcome, daemon};

/// Greets whoever connects.
#[daemon(pidfile = "~/greeter.pid", stdout = "~/greeter.log", stderr = "~/greeter.log")]
fn greeter(ctx: &Context) -> io::Result<()> {
    let address = std::env::var("GREETER_ADDRESS").unwrap_or_else(|_| "127.0.0.1:7070".to_owned());
    let listener = TcpListener::bind(&address)
        .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {address}: {e}")))?;
    listener.set_nonblocking(true)?;
    ctx.ready();
    println!("listening on {}", listener.local_addr()?);
    while !ctx.is_shutdown() {
        match listener.accept() {
            Ok((mut stream, peer)) => {
                println!("greeting {peer}");
                // A guest who has left already is no failure of ours.
                let _ = writeln!(stream, "hello from {} (pid {})", ctx.name(), ctx.pid());
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                ctx.wait(Duration::from_millis(50));
            }
            Err(e) => return Err(e),
        }
    }
    println!("good bye");
    Ok(())
}

fn main() -> Outcome {
    greeter(std::env::args_os())
}
