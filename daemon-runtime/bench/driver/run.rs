//! One command, from before it is begun until after it has ended.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::mem;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc;

use crate::home::Place;

/// A command line, for the daemon at a place.
#[derive(Debug, Clone)]
pub struct Line {
    words: Vec<OsString>,
    place: Place,
    variables: Vec<(&'static str, String)>,
    /// Whether it is a start whose worker fails.
    fails: bool,
}

/// What a command has taken.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub wall: Duration,
    /// The pages that it touched for the first time, it and the processes it waited for: this hardly varies where time does.
    pub page_faults: u64,
}

impl Line {
    pub fn new(words: impl IntoIterator<Item = impl Into<OsString>>, place: &Place) -> Self {
        let words = words.into_iter().map(Into::into).collect();
        Self { words, place: place.clone(), variables: Vec::new(), fails: false }
    }

    /// One whose worker fails.
    pub fn failing(self) -> Self {
        Self { fails: true, ..self }.with("BENCH_FAILS", "1")
    }

    pub fn with(mut self, variable: &'static str, value: impl ToString) -> Self {
        self.variables.push((variable, value.to_string()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).env("BENCH_PIDFILE", &self.place.pidfile).env("BENCH_LOG", &self.place.log);
        command.envs(self.variables.iter().map(|(variable, value)| (variable, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn told(&self) -> String {
        self.words.join(OsStr::new(" ")).to_string_lossy().into_owned()
    }

    /// Runs it, unheard.
    pub fn run(&self) -> Result<Taken, String> {
        let mut command = self.command();
        let begun = Instant::now();
        let child = command.spawn().map_err(|error| format!("`{}` cannot be begun: {error}", self.told()))?;
        let (status, page_faults) = wait(child.id())?;
        let wall = begun.elapsed();
        self.judge(status)?;
        Ok(Taken { wall, page_faults })
    }

    /// Begins it, to be heard later.
    pub fn begin(&self) -> Result<Begun<'_>, String> {
        let child =
            self.command().stdout(Stdio::piped()).spawn().map_err(|error| format!("`{}`: {error}", self.told()))?;
        Ok(Begun { line: self, child })
    }

    /// Runs it, and reads the only number that it prints on a line of its own.
    pub fn number(&self) -> Result<f64, String> {
        let numbers = self.begin()?.numbers()?;
        numbers.first().copied().ok_or_else(|| format!("`{}` printed no number", self.told()))
    }

    fn judge(&self, status: i32) -> Result<(), String> {
        if (status == 0) == self.fails {
            return Err(format!("`{}` ended with wait status {status:#x}", self.told()));
        }
        Ok(())
    }
}

/// A command that runs.
pub struct Begun<'a> {
    line: &'a Line,
    child: std::process::Child,
}

impl Begun<'_> {
    /// The numbers that it prints on lines of their own, once it has ended.
    pub fn numbers(mut self) -> Result<Vec<f64>, String> {
        // Not to the end of the pipe: a daemon may have it, too. What is printed fits into it.
        let status = self.child.wait().map_err(|error| error.to_string())?;
        let mut bytes = vec![0; 1 << 16];
        let length = self.child.stdout.take().map_or(Ok(0), |mut stdout| stdout.read(&mut bytes));
        let length = length.map_err(|error| error.to_string())?;
        self.line.judge(i32::from(!status.success()))?;
        Ok(String::from_utf8_lossy(&bytes[..length]).lines().filter_map(|line| line.parse().ok()).collect())
    }
}

/// Its wait status, and its page faults.
fn wait(pid: u32) -> Result<(i32, u64), String> {
    let mut status = 0;
    // SAFETY: plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: both are of the type that the call writes.
    let waited = unsafe { libc::wait4(pid.cast_signed(), &raw mut status, 0, &raw mut usage) };
    if waited < 0 {
        return Err(format!("wait4: {}", std::io::Error::last_os_error()));
    }
    Ok((status, usage.ru_minflt.cast_unsigned()))
}
