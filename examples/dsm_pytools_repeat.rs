//! The third program of DSM's article on daemons in Python (`repeat_daemon_decor`): the attribute does the repeating
//! too; run it with `cargo run --example dsm_pytools_repeat -- start`.

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
