//! The program of `tests/fixtures/settings.rs`, begun in every way in which a daemon can be.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, eventually, is_over};

pub const STOPPED: &str = "Stopping settings ... OK\n";

/// The ways in which it can be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Background,
    /// In the background too, by starting the program anew.
    Exec,
    Foreground,
    Run,
}

pub const WAYS: [Way; 4] = [Way::Background, Way::Exec, Way::Foreground, Way::Run];

/// Keys without `SETTINGS_`, and their values.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

impl Way {
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Background | Self::Exec => &["start"],
            Self::Foreground => &["start", "--foreground"],
            Self::Run => &["run"],
        }
    }

    pub fn is_in_background(self) -> bool {
        matches!(self, Self::Background | Self::Exec)
    }

    /// What a start that fails says on stdout.
    pub fn failed(self) -> &'static str {
        if self == Self::Run { "" } else { "Starting settings ... FAILED\n" }
    }

    /// What one says that works.
    pub fn ok(self, pid: i32) -> String {
        if self == Self::Run { String::new() } else { format!("Starting settings ... OK (pid {pid})\n") }
    }

    /// The program with these settings, to be begun in this way.
    pub fn program(self, home: &Home, settings: Settings<'_>) -> Program {
        let program = program(home, settings);
        if self == Self::Exec { program.set("SETTINGS_DETACH", "exec") } else { program }
    }

    /// Begins it, and waits until its worker is at work.
    #[track_caller]
    pub fn start(self, home: &Home, settings: Settings<'_>) -> Living {
        self.begin(home, self.program(home, settings))
    }

    #[track_caller]
    pub fn begin(self, home: &Home, program: Program) -> Living {
        let before = workers(home);
        if self.is_in_background() {
            let told = program.run(self.words());
            let pid = told.stdout.trim_end().trim_end_matches(')').rsplit(' ').next().and_then(|n| n.parse().ok());
            let pid = pid.unwrap_or_else(|| panic!("{self:?}: {told:?}"));
            told.assert(0, &self.ok(pid), "");
            return Living { pid, way: self, child: None };
        }
        let mut child = program.spawn(self.words());
        eventually("the worker, or its end", || workers(home) > before || child.try_wait().is_ok_and(|e| e.is_some()));
        let pid = i32::try_from(child.id()).expect("a pid");
        assert!(workers(home) > before, "{self:?}: {:?}", Told::of(child));
        Living { pid, way: self, child: Some(child) }
    }

    /// Begins it, and expects an error, and that nothing is left.
    #[track_caller]
    pub fn refuses(self, home: &Home, settings: Settings<'_>, code: i32, error: &str) {
        let told = self.program(home, settings).run(self.words());
        let expected = (code, self.failed(), format!("error: {error}\n"));
        assert_eq!((told.code, told.stdout.as_str(), told.stderr), expected, "{self:?} {settings:?}");
        home.assert_nothing_left();
    }
}

/// The program with these settings.
pub fn program(home: &Home, settings: Settings<'_>) -> Program {
    let program = home
        .program(Path::new(env!("CARGO_BIN_EXE_settings")))
        .set("SETTINGS_PIDFILE", home.pidfile())
        .set("SETTINGS_NOTES", home.path("notes"))
        .set("SETTINGS_GO", home.path("go"));
    settings.iter().fold(program, |program, (key, value)| program.set(&format!("SETTINGS_{key}"), value))
}

/// Says that a test cannot be done on this machine.
pub fn skip(test: &str, why: &str) {
    // Not by `eprintln!`, which the test runner keeps to itself where nothing fails.
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("skipped: {test}, because {why}\n"));
}

/// Has something done in the program's process before the program itself begins.
pub fn before(mut program: Program, act: impl FnMut() -> io::Result<()> + Send + Sync + 'static) -> Program {
    // SAFETY: what the callers do between fork and exec are single system calls.
    unsafe { std::os::unix::process::CommandExt::pre_exec(&mut program.0, act) };
    program
}

fn workers(home: &Home) -> usize {
    home.lines("notes").iter().filter(|line| line.as_str() == "at work").count()
}

/// A daemon whose worker is at work.
#[derive(Debug)]
#[must_use]
pub struct Living {
    pub pid: i32,
    way: Way,
    child: Option<Child>,
}

impl Living {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).expect("it is there");
    }

    /// A line of `/proc/PID/status`.
    pub fn status(&self, field: &str) -> Vec<String> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field} in {text}")).split_whitespace().map(str::to_owned).collect()
    }

    /// Waits until it is gone; what it told, where it stayed in the foreground.
    pub fn ended(self) -> Option<Told> {
        let told = self.child.map(Told::of);
        eventually("its end", || is_over(self.pid));
        told
    }

    /// Asks it to end by a signal, and expects that it does so without a word of complaint, and leaves nothing.
    #[track_caller]
    pub fn end(self, home: &Home) {
        self.signal(Signal::SIGTERM);
        let (way, pid) = (self.way, self.pid);
        if let Some(told) = self.ended() {
            told.assert(0, &way.ok(pid), "");
        }
        home.assert_nothing_left();
    }

    /// Has it stopped by another process of the program, and expects that nothing is left.
    #[track_caller]
    pub fn stop(self, home: &Home, settings: Settings<'_>) {
        // Somebody must wait for one in the foreground, or it is never gone.
        let child = self.child.map(|child| std::thread::spawn(|| Told::of(child)));
        self.way.program(home, settings).run(&["stop"]).assert(0, STOPPED, "");
        if let Some(told) = child {
            told.join().expect("joined").assert(0, &self.way.ok(self.pid), "");
        }
        home.assert_nothing_left();
    }
}

/// The moments that were noted up to the worker, in their order.
pub fn moments(home: &Home) -> Vec<String> {
    let moment = |line: String| line.split_once(':').map_or(line.clone(), |(moment, _)| moment.to_owned());
    home.lines("notes").into_iter().take_while(|line| line != "at work").map(moment).collect()
}

/// What was seen at a moment.
#[track_caller]
pub fn seen(home: &Home, moment: &str) -> BTreeMap<String, String> {
    let lines = home.lines("notes");
    let line = lines.iter().rev().find_map(|line| line.strip_prefix(moment)?.strip_prefix(": "));
    let line = line.unwrap_or_else(|| panic!("nothing of {moment} in {lines:#?}"));
    line.split(' ').filter_map(|word| word.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}
