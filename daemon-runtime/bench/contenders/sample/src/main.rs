//! A small program, with the attribute and without.

use std::thread::sleep;
use std::time::Duration;

#[cfg_attr(feature = "daemon", daemon_runtime::daemon(pidfile = "/run/sample.pid", stdout = "/var/log/sample.log"))]
fn sample() {
    loop {
        println!("alive");
        sleep(Duration::from_secs(60));
    }
}

#[cfg(feature = "daemon")]
fn main() -> daemon_runtime::Outcome {
    sample(std::env::args_os())
}

#[cfg(not(feature = "daemon"))]
fn main() {
    sample();
}
