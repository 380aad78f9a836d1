//! The terminal, to which an action reports while it goes on, and its answer at the end.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::logs::Pages;
use super::print::{Stream, print, print_wholly, warn};
use super::{Outcome, error_code, state_code, status, ticks};
use crate::action::logs::Audience;
use crate::action::{Answer, Narrator, Run, Start, Status, StatusOptions, Stop, Unit};
use crate::error::{Error, harmless_lines, seconds};
use crate::process::Observer;
use crate::spec::order::Order;

/// The terminal, as an action reports to it while it goes on.
#[derive(Debug)]
pub(crate) struct Terminal {
    name: String,
    verb: &'static str,
    status: StatusOptions,
    /// How many characters of progress stand on the terminal's last line after its dots.
    shown: Option<usize>,
    /// What of logs was shown so far.
    pub(super) pages: Pages,
}

const STARTING: &str = "Starting";
const STOPPING: &str = "Stopping";
const RELOADING: &str = "Reloading";

impl Terminal {
    pub(crate) fn new(name: String, status: StatusOptions) -> Self {
        Self { name, verb: "", status, shown: None, pages: Pages::default() }
    }

    /// Tells how the action came out.
    pub(crate) fn tell(mut self, result: Result<Answer, Error>) -> Outcome {
        let code = match &result {
            Ok(answer) => self.answer(answer),
            Err(error) => self.failure(error),
        };
        Outcome { result, code }
    }

    fn answer(&mut self, answer: &Answer) -> u8 {
        match answer {
            Answer::Start(start) => self.start(start),
            Answer::Stop(stop) => self.stop(stop),
            Answer::Restart(restart) => self.start(&restart.start),
            Answer::Reload(_) => {
                self.verb = RELOADING;
                self.finish(&well("OK"))
            }
            Answer::Ordered(ordered) => self.finish(&format!("{}{}", well("OK"), ticks::ordered(ordered))),
            Answer::Status(status) => self.state(status),
            Answer::Run(Run::Ended { code }) => *code,
            Answer::Run(Run::AlreadyRunning { pid }) => self.already(*pid),
            Answer::Unit(made) => unit(made),
            Answer::Logs | Answer::Usage | Answer::Custom | Answer::All => 0,
        }
    }

    fn start(&mut self, start: &Start) -> u8 {
        match start {
            Start::Ready { pid } => self.finish(&format!("{} (pid {pid})", well("OK"))),
            Start::AlreadyRunning { pid } => self.already(*pid),
            Start::Ran { code, ready: true } => *code,
            Start::Ended | Start::Ran { code: 0, ready: false } => self.finish(&format!("{} (ended)", well("OK"))),
            Start::Ran { code, ready: false } => {
                self.finish(&badly("FAILED"));
                *code
            }
        }
    }

    fn already(&self, pid: i32) -> u8 {
        warn(&format!("{} is already running with pid {pid}", self.name));
        0
    }

    fn stop(&mut self, stop: &Stop) -> u8 {
        match stop {
            Stop::Stopped { .. } => self.finish(&well("OK")),
            Stop::Killed { pid, waited } => {
                self.finish(&well("OK"));
                warn(&format!("pid {pid} had not stopped after {}, and was killed", seconds(*waited)));
                0
            }
            Stop::NotRunning => {
                warn(&format!("{} is not running", self.name));
                0
            }
        }
    }

    fn failure(&mut self, error: &Error) -> u8 {
        if !self.verb.is_empty() {
            self.finish(&badly("FAILED"));
        }
        fail(error);
        error_code(error)
    }

    /// Completes the line `Starting NAME ... `, which stands there already where the wait was shown.
    fn finish(&mut self, verdict: &str) -> u8 {
        let line = format!("{} {} ... {verdict}", self.verb, self.name);
        match self.shown.take() {
            // Seconds may stand where the verdict goes, and be longer.
            Some(width) => print(Stream::Out, &format!("\r{line}{}\n", " ".repeat(width.saturating_sub(2)))),
            None => print(Stream::Out, &format!("{line}\n")),
        }
        0
    }

    fn show(&mut self, progress: &str) {
        if std::io::stdout().is_terminal() {
            print(Stream::Out, &format!("\r{} {} ... {progress}", self.verb, self.name));
            self.shown = Some(progress.len());
        }
    }

    fn state(&self, status: &Status) -> u8 {
        let line = if self.status.json {
            status::json(status, &self.status.fields).to_string()
        } else {
            status::text(status, &self.status.fields)
        };
        print(Stream::Out, &format!("{line}\n"));
        state_code(&status.state)
    }
}

impl Observer for Terminal {
    fn begins(&mut self) {
        self.show("");
    }

    fn waiting(&mut self, so_far: Duration) {
        self.show(&format!("{}s", so_far.as_secs()));
    }

    fn in_foreground(&self) -> Arc<dyn Fn() + Send + Sync> {
        let line = format!("{STARTING} {} ... {} (pid {})\n", self.name, well("OK"), std::process::id());
        Arc::new(move || print(Stream::Out, &line))
    }
}

impl Narrator for Terminal {
    fn starting(&mut self) -> &mut dyn Observer {
        self.verb = STARTING;
        self
    }

    fn stopping(&mut self) -> &mut dyn Observer {
        self.verb = STOPPING;
        self
    }

    fn ordering(&mut self, order: Order) -> &mut dyn Observer {
        self.verb = match order {
            Order::RunNow => "Running",
            Order::Pause => "Pausing",
            Order::Resume => "Resuming",
        };
        self
    }

    fn reading(&mut self) -> &mut dyn Audience {
        self
    }

    fn stopped(&mut self, stop: &Stop) {
        self.stop(stop);
    }
}

/// The files themselves, with a blank line between them; or their paths, where they were written.
fn unit(made: &Unit) -> u8 {
    let told: Vec<_> = match &made.folder {
        None => made.files.iter().map(|file| file.text.clone()).collect(),
        Some(folder) => {
            let paths = made.files.iter().map(|file| format!("{}\n", folder.join(&file.name).display()));
            vec![paths.collect()]
        }
    };
    asked_for(&told.join("\n"))
}

/// Prints text that is itself what was asked for: what stdout does not take is a failure.
pub(super) fn asked_for(text: &str) -> u8 {
    match print_wholly(text) {
        Ok(()) => 0,
        Err(source) => {
            fail(&Error::Unshown { source });
            1
        }
    }
}

pub(super) fn fail(error: &Error) {
    tell_error(error, error.worker_stderr());
}

pub(super) fn tell_error(error: &dyn std::error::Error, written: Option<&str>) {
    let mut text = error_line(error);
    if let Some(written) = written {
        text.push_str("what it wrote to stderr:\n");
        for line in harmless_lines(written).lines() {
            text.extend(["  ", line, "\n"]);
        }
    }
    print(Stream::Err, &text);
}

/// The words may be those of a daemon that is in somebody else's hands by now.
pub(super) fn error_line(reason: impl std::fmt::Display) -> String {
    format!("{} {}\n", badly("error:"), harmless_lines(&reason.to_string()))
}

fn well(word: &str) -> String {
    painted(AnsiColor::Green.on_default().bold(), word)
}

fn badly(word: &str) -> String {
    painted(AnsiColor::Red.on_default().bold(), word)
}

fn painted(style: Style, word: &str) -> String {
    format!("{style}{word}{style:#}")
}
