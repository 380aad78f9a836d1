//! The service of python-daemon's document "Implementing a system service", its `ServiceRunner` with an application:
//! run it with `cargo run --example python_daemon -- start`, `stop` or `restart`; what it says is in
//! `~/python_daemon.log`. How many seconds a start waits for a service that runs already: `PYTHON_DAEMON_TIMEOUT`,
//! else 5.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use daemon_runtime::{Application, Outcome, ServiceRunner};

struct App {
    home: PathBuf,
}

impl Application for App {
    fn run(&mut self) {
        loop {
            println!("still serving");
            sleep(Duration::from_secs(10));
        }
    }

    fn stdout_path(&self) -> PathBuf {
        self.home.join("python_daemon.log")
    }

    fn stderr_path(&self) -> PathBuf {
        self.home.join("python_daemon.log")
    }

    fn pidfile_path(&self) -> Option<PathBuf> {
        Some(self.home.join("python_daemon.pid"))
    }

    fn pidfile_timeout(&self) -> Duration {
        let seconds = std::env::var("PYTHON_DAEMON_TIMEOUT").ok().and_then(|seconds| seconds.parse().ok());
        Duration::from_secs(seconds.unwrap_or(5))
    }
}

fn main() -> Outcome {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into()));
    ServiceRunner::new(App { home }).dispatch(std::env::args_os())
}
