//! The published example of the crate `daemonize`, with this one: another user, another group, and something to be done
//! while it still is root.
//!
//! As root, `cargo run --example daemonize_complex`; what it says is in `/tmp/daemon.out`. Another folder by
//! `DAEMONIZE_FOLDER`.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use daemon_runtime::Daemon;

fn main() -> ExitCode {
    let folder = std::env::var_os("DAEMONIZE_FOLDER").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    // Most often a socket on a low port.
    let made_as_root = Rc::new(OnceCell::new());
    let slot = Rc::clone(&made_as_root);

    let daemon = Daemon::here()
        .pidfile(folder.join("test.pid"))
        .workdir(&folder)
        .user("nobody")
        .group("daemon") // by name
        .group(2) // or by number; the last one holds
        .umask(0o777)
        .stdout(folder.join("daemon.out"))
        .stderr(folder.join("daemon.err"))
        .before("privileges", move || slot.set("Executed before drop privileges"));

    match daemon.detach() {
        Ok(_daemon) => {
            println!("Success, daemonized");
            // In the daemon, `made_as_root.get()` has it.
            drop(made_as_root);
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("Error, {e}");
            ExitCode::FAILURE
        }
    }
}
