//! python-daemon's `DaemonContext`, with all that it is usually given: run it with
//! `cargo run --example python_daemon_context`; it works below `~`, its log is `~/python_daemon_context.log`, and
//! `kill $(cat ~/python_daemon_context.pid)` ends it. (With actions, as its document has them: `python_daemon`.)

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use daemon_runtime::{Context, Daemon};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into()));
    let log = home.join("python_daemon_context.log");
    // Opened while whoever starts it can still see what goes wrong.
    let important_file = File::options().append(true).create(true).open(home.join("python_daemon_context.data"))?;

    let daemon = Daemon::here()
        .pidfile(home.join("python_daemon_context.pid"))
        .stdout(&log)
        .stderr(&log)
        .workdir(&home)
        .umask(0o002)
        .close_fds("all")
        .preserve_fds([important_file.as_raw_fd()])
        .signal("SIGHUP", reload_program_config)
        .signal("SIGUSR1", "ignore")
        .signal("SIGUSR2", "terminate")
        .detach()?;

    do_main_program(daemon.context(), important_file)?;
    println!("cleaned up");
    daemon.close();
    println!("closed");
    Ok(())
}

fn do_main_program(context: &Context, mut important_file: File) -> std::io::Result<()> {
    fs::write("python_daemon_context.spool", "relative to the working directory\n")?;
    writeln!(important_file, "still open in {}", context.pid())?;
    context.ready();
    while !context.wait(Duration::from_secs(10)) {
        println!("still working");
    }
    Ok(())
}

fn reload_program_config() {
    println!("the configuration is read again");
}
