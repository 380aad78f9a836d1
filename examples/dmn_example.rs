//! The article's example in its last form: a function, repeated every five seconds by an attribute.
//!
//! `cargo run --example dmn_example -- start`

use daemon_runtime::{Outcome, repeat_daemon};

/// Prints a line every five seconds.
#[repeat_daemon(every = "5s", times = 0, pidfile = "~/daemon_example.pid", stdout = "~/daemon_example.log")]
fn dmn_example() {
    println!("testing daemon ...");
}

fn main() -> Outcome {
    let action = std::env::args().nth(1);
    dmn_example(action)
}
