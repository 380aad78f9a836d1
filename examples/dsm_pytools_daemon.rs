//! The second program of DSM's article on daemons in Python (`daemon_decor`): the same function with an attribute;
//! run it with `cargo run --example dsm_pytools_daemon -- start`.

use std::thread::sleep;
use std::time::Duration;

use daemon_runtime::{Outcome, daemon};

/// Prints a line every five seconds.
#[daemon(pidfile = "~/daemon_example.pid", stdout = "~/daemon_example.log")]
fn dmn_example() {
    loop {
        println!("testing daemon ...");
        sleep(Duration::from_secs(5));
    }
}

fn main() -> Outcome {
    let action = std::env::args().nth(1);
    dmn_example(action)
}
