//! The advanced usage of pandaemonium's README: the claim first, then `--foreground` or a daemon whose output the
//! launcher has, and hooks between the stages; run it with `cargo run --example pandaemonium`, or `-- --foreground`.
//! Its files are `~/pandaemonium.*`, and it ends after ten rounds; how long one takes: `PANDAEMONIUM_INTERVAL`, else
//! `1s`.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};

use daemon_runtime::{Daemon, Error, Launch, PidFile};

fn main() -> Result<(), Error> {
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/".into()));
    let foreground = env::args().any(|word| word == "--foreground");
    let made_private = home.join("pandaemonium.private");

    let mut pidfile = PidFile::new(home.join("pandaemonium.pid"));
    pidfile.acquire(Duration::ZERO)?;
    if foreground {
        pidfile.seal()?;
        run_main_program();
        return Ok(());
    }
    let daemon = Daemon::here()
        .claim(pidfile)
        .stdout(home.join("pandaemonium.log"))
        .umask(0o077)
        .before("privileges", || println!("as whoever started it"))
        .after("umask", move || fs::write(&made_private, "nobody else can read this\n"));
    match daemon.launch()? {
        Launch::Daemon(daemon) => {
            println!("nearly ready");
            eprintln!("nothing is wrong");
            daemon.ready();
            run_main_program();
        }
        Launch::Launched { pid, output, error } => print!("launched {pid}\noutput:\n{output}error:\n{error}"),
        other => println!("{other:?}"),
    }
    Ok(())
}

/// In the foreground as in the daemon, the pidfile has our number by now.
fn run_main_program() {
    let interval = env::var("PANDAEMONIUM_INTERVAL").ok().and_then(|text| humantime::parse_duration(&text).ok());
    for round in 1..=10 {
        sleep(interval.unwrap_or(Duration::from_secs(1)));
        println!("round {round}");
    }
}
