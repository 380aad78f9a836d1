//! The first program of DSM's article on daemons in Python (`daemon_exec`): a function with a loop of its own, an
//! action, a pidfile and a log; run it with `cargo run --example dsm_pytools_exec -- start`.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use daemon_runtime::{Daemon, Outcome};

fn dmn_example() {
    loop {
        println!("testing daemon ...");
        sleep(Duration::from_secs(5));
    }
}

fn main() -> Outcome {
    let name = PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into())).join("daemon_example");
    let action = std::env::args().nth(1);

    Daemon::new(dmn_example)
        .name("dmn_example")
        .pidfile(name.with_extension("pid"))
        .stdout(name.with_extension("log"))
        .dispatch(action)
}
