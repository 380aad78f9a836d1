//! The self-reload of daemonocle's README: a daemon that watches its configuration file, `~/daemonocle_example.conf`,
//! and begins anew when that changes; write one and run it with `cargo run --example daemonocle_reload -- start`.
//! What it has read is in `~/daemonocle_example.log`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use std::{env, fs, io};

use daemon_runtime::{Context, daemon};

struct FileWatcher<'a> {
    filename: PathBuf,
    daemon: &'a Context,
    file_mtime: SystemTime,
}

impl<'a> FileWatcher<'a> {
    fn new(filename: PathBuf, daemon: &'a Context) -> io::Result<Self> {
        let file_mtime = fs::metadata(&filename)?.modified()?;
        Ok(Self { filename, daemon, file_mtime })
    }

    fn file_has_changed(&self) -> bool {
        let current_mtime = fs::metadata(&self.filename).and_then(|file| file.modified());
        current_mtime.is_ok_and(|mtime| mtime != self.file_mtime)
    }

    fn watch(&self) {
        while !self.daemon.wait(Duration::from_secs(1)) {
            if self.file_has_changed() {
                // It returns only if it has failed.
                eprintln!("{}", self.daemon.reload());
            }
        }
    }
}

/// Begins anew when its configuration file changes.
#[daemon(
    pidfile = "~/daemonocle_example.pid",
    stdout = "~/daemonocle_example.log",
    stderr = "~/daemonocle_example.log"
)]
fn main(daemon: &Context) -> Result<(), String> {
    let filename = PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/".into())).join("daemonocle_example.conf");
    let unreadable = |e: io::Error| format!("the configuration file ~/daemonocle_example.conf: {e}");
    let watcher = FileWatcher::new(filename, daemon).map_err(unreadable)?;
    let configuration = fs::read_to_string(&watcher.filename).map_err(unreadable)?;
    println!("{}: {}", daemon.pid(), configuration.trim_end());
    daemon.ready();
    watcher.watch();
    Ok(())
}
