//! Who is measured.
//!
//! To add one: a row in [`all`], with the command line of each thing that it can do, and no more. It finds its pidfile and its
//! log in the variables `BENCH_PIDFILE` and `BENCH_LOG`, or as [`PIDFILE`] in its arguments, and its worker fails at once where
//! `BENCH_FAILS` is set.

use std::ffi::OsString;
use std::path::Path;

use crate::home::Place;
use crate::programs::Programs;
use crate::run::Line;

/// Stands for the pidfile in an argument.
const PIDFILE: &str = "{pidfile}";

/// The one that all others are put beside.
pub const YARDSTICK: &str = "limit, Rust";
/// What it is all about.
pub const OURS: &str = "daemon-runtime";

/// What one can ask of a daemon. `Fail` is a start whose worker fails at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    Restart,
    Status,
    Fail,
}

impl Verb {
    /// In the order of the table.
    pub const ALL: [Self; 5] = [Self::Start, Self::Stop, Self::Restart, Self::Status, Self::Fail];
    /// In the order of a life.
    pub const LIFE: [Self; 5] = [Self::Fail, Self::Start, Self::Status, Self::Restart, Self::Stop];

    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Status => "status",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Fail => "failing start",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Contender {
    pub name: &'static str,
    /// The beginning of every command line.
    program: Vec<OsString>,
    /// What follows for each verb that it has.
    verbs: Vec<(Verb, Vec<&'static str>)>,
    /// It takes its turn in every so manieth round.
    pub every: usize,
}

/// Who is slow has fewer turns, or a run would take hours.
const SLOW: usize = 20;

impl Contender {
    /// One whose verbs are arguments of their own names, as most have it.
    fn with_all_verbs(name: &'static str, program: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let word = |verb: Verb| vec![if verb == Verb::Fail { "start" } else { verb.name() }];
        let verbs = Verb::LIFE.into_iter().map(|verb| (verb, word(verb))).collect();
        Self { name, program: program.into_iter().map(Into::into).collect(), verbs, every: 1 }
    }

    /// One that only starts, and says nothing of what becomes of it.
    fn that_only_starts(name: &'static str, program: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let program = program.into_iter().map(Into::into).collect();
        Self { name, program, verbs: vec![(Verb::Start, vec![])], every: 1 }
    }

    fn slow(self) -> Self {
        Self { every: SLOW, ..self }
    }

    /// The command line of a verb, for a daemon at this place; nothing, where it has no such verb.
    pub fn line(&self, verb: Verb, place: &Place) -> Option<Line> {
        let (_, arguments) = self.verbs.iter().find(|(have, _)| *have == verb)?;
        let replaced = |argument: &&str| match *argument {
            PIDFILE => place.pidfile.clone().into(),
            plain => OsString::from(plain),
        };
        let line = Line::new(self.program.iter().cloned().chain(arguments.iter().map(replaced)), place);
        Some(if verb == Verb::Fail { line.failing() } else { line })
    }

    /// Starts a daemon, and returns when it is there, which some launchers do not wait for.
    pub fn start(&self, place: &Place) -> Result<i32, String> {
        self.line(Verb::Start, place).ok_or("it cannot start")?.run()?;
        place.pid()
    }

    /// Ends its daemon, in its own way if it has one.
    pub fn end(&self, place: &Place) -> Result<(), String> {
        match self.line(Verb::Stop, place) {
            Some(line) => line.run().map(drop),
            None => place.end(),
        }
    }
}

/// All that there are on this machine.
pub fn all(programs: &Programs) -> Vec<Contender> {
    let mut all = vec![
        Contender::with_all_verbs(YARDSTICK, [programs.rust("limit")]),
        Contender::with_all_verbs(OURS, [programs.rust("ours")]),
        Contender::with_all_verbs("daemon-runtime, no features", [programs.rust("ours-bare")]),
    ];
    all.extend(programs.limit_in_c.iter().map(|limit| Contender::with_all_verbs("limit, C", [limit])));
    all.push(Contender::that_only_starts("daemonize", [programs.rust("daemonized")]));
    all.extend(programs.start_stop_daemon.as_deref().map(start_stop_daemon));
    if let Some(python) = &programs.python {
        let line = |script| [python.interpreter.clone(), python.script(script)];
        all.push(Contender::that_only_starts("python-daemon", line("with_python_daemon.py")).slow());
        all.push(Contender::with_all_verbs("daemonocle", line("with_daemonocle.py")).slow());
    }
    all
}

/// It makes a daemon of any program, and does not know whether that fails.
fn start_stop_daemon(program: &Path) -> Contender {
    let start = ["--start", "--background", "--make-pidfile", "--pidfile", PIDFILE, "--startas", "/bin/sleep"];
    let stop = ["--stop", "--remove-pidfile", "--retry", "TERM/10", "--pidfile", PIDFILE];
    let verbs = vec![
        (Verb::Start, start.into_iter().chain(["--", "infinity"]).collect()),
        (Verb::Status, vec!["--status", "--pidfile", PIDFILE]),
        (Verb::Stop, stop.into()),
    ];
    Contender { name: "start-stop-daemon", program: vec![program.into()], verbs, every: 1 }
}
