//! Where the daemons of a run have their pidfiles and logs.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a daemon may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The run's own folder.
#[derive(Debug)]
pub struct Home {
    folder: PathBuf,
}

/// The places of one daemon.
#[derive(Debug, Clone)]
pub struct Place {
    pub pidfile: PathBuf,
    pub log: PathBuf,
}

impl Home {
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A folder for something else.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A place for a daemon of this name.
    pub fn place(&self, name: &str) -> Place {
        let name = name.replace(' ', "-");
        Place { pidfile: self.folder.join(format!("{name}.pid")), log: self.folder.join(format!("{name}.log")) }
    }
}

impl Place {
    /// What the daemon's pidfile says, once it says something: some are written after the launcher has ended.
    pub fn pid(&self) -> Result<i32, String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let text = fs::read_to_string(&self.pidfile).unwrap_or_default();
            if let Ok(pid) = text.trim().parse() {
                return Ok(pid);
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err(format!("there is no number in {}", self.pidfile.display()))
    }

    /// Ends the daemon of a program that has no command for it. The number is the one that the daemon has just written, or it
    /// would not have started.
    pub fn end(&self) -> Result<(), String> {
        let pid = self.pid()?;
        let begun = Instant::now();
        let mut signal = Signal::SIGTERM;
        while kill(Pid::from_raw(pid), signal) != Err(Errno::ESRCH) {
            if begun.elapsed() > PATIENCE {
                signal = Signal::SIGKILL;
            }
            thread::sleep(Duration::from_millis(1));
        }
        match fs::remove_file(&self.pidfile) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}
