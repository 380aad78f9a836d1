//! The article's example in its first form: a function with a loop of its own, made a daemon by an attribute.
//!
//! `cargo run --example dmn_example_loop -- start`

use std::thread::sleep;
use std::time::Duration;

use daemon_runtime::{Outcome, daemon};

/// Prints a line every five seconds.
#[daemon(pidfile = "~/daemon_example_loop.pid", stdout = "~/daemon_example_loop.log")]
fn dmn_example_loop() {
    loop {
        println!("testing daemon ...");
        sleep(Duration::from_secs(5));
    }
}

fn main() -> Outcome {
    let action = std::env::args().nth(1);
    dmn_example_loop(action)
}
