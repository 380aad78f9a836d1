//! One command, from before it is begun until after it has ended.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::home::Place;

/// A command line, for the daemon at a place.
#[derive(Debug, Clone)]
pub struct Line {
    pub words: Vec<OsString>,
    pub place: Place,
    /// Whether it is a start whose worker fails.
    pub fails: bool,
}

/// What a command has taken.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub wall: Duration,
    /// The pages that it touched for the first time, it and the processes it waited for: this hardly varies where time does.
    pub page_faults: u64,
}

impl Line {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).env("BENCH_PIDFILE", &self.place.pidfile).env("BENCH_LOG", &self.place.log);
        if self.fails {
            command.env("BENCH_FAILS", "1");
        }
        command
    }

    fn told(&self) -> String {
        self.words.join(" ".as_ref()).to_string_lossy().into_owned()
    }

    /// Runs it, unheard.
    pub fn run(&self) -> Result<Taken, String> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        let child = command.spawn().map_err(|error| format!("`{}` cannot be begun: {error}", self.told()))?;
        let (code, page_faults) = wait(child.id())?;
        let wall = begun.elapsed();
        if (code == 0) == self.fails {
            return Err(format!("`{}` ended with {code}", self.told()));
        }
        Ok(Taken { wall, page_faults })
    }
}

/// Its wait status, and its page faults.
fn wait(pid: u32) -> Result<(i32, u64), String> {
    let mut status = 0;
    // SAFETY: plain numbers, for which zero is a value.
    let mut usage: nix::libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both are of the type that the call writes.
    let waited = unsafe { nix::libc::wait4(pid.cast_signed(), &raw mut status, 0, &raw mut usage) };
    if waited < 0 {
        return Err(format!("wait4: {}", std::io::Error::last_os_error()));
    }
    Ok((status, usage.ru_minflt.cast_unsigned()))
}
