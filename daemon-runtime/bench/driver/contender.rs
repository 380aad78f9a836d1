//! Who is measured.
//!
//! To add one: a row in [`all`], with the command line of each thing that it can do, and no more. It finds its pidfile and its
//! log in the variables `BENCH_PIDFILE` and `BENCH_LOG`, or as [`PIDFILE`] and [`LOG`] in its arguments, and its worker fails
//! at once where `BENCH_FAILS` is set.

use std::ffi::OsString;

use crate::home::Place;
use crate::programs::Programs;
use crate::run::Line;

/// Stands for the pidfile in an argument.
pub const PIDFILE: &str = "{pidfile}";
/// Stands for the log in an argument.
pub const LOG: &str = "{log}";

/// The one that all others are put beside.
pub const YARDSTICK: &str = "limit, Rust";

/// What one can ask of a daemon. `Fail` is a start whose worker fails at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Start,
    Status,
    Restart,
    Stop,
    Fail,
}

impl Verb {
    /// In the order of a life.
    pub const ALL: [Self; 5] = [Self::Fail, Self::Start, Self::Status, Self::Restart, Self::Stop];

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

impl Contender {
    /// One whose verbs are arguments of their own names, as most have it.
    fn with_all_verbs(name: &'static str, program: impl Into<OsString>) -> Self {
        let word = |verb: Verb| vec![if verb == Verb::Fail { "start" } else { verb.name() }];
        let verbs = Verb::ALL.into_iter().map(|verb| (verb, word(verb))).collect();
        Self { name, program: vec![program.into()], verbs, every: 1 }
    }

    /// The command line of a verb, for a daemon at this place; nothing, where it has no such verb.
    pub fn line(&self, verb: Verb, place: &Place) -> Option<Line> {
        let (_, arguments) = self.verbs.iter().find(|(have, _)| *have == verb)?;
        let replaced = |argument: &&str| match *argument {
            PIDFILE => place.pidfile.clone().into(),
            LOG => place.log.clone().into(),
            plain => OsString::from(plain),
        };
        let words = self.program.iter().cloned().chain(arguments.iter().map(replaced)).collect();
        Some(Line { words, place: place.clone(), fails: verb == Verb::Fail })
    }
}

/// All that there are on this machine.
pub fn all(programs: &Programs) -> Vec<Contender> {
    let mut all = vec![
        Contender::with_all_verbs(YARDSTICK, programs.rust("limit")),
        Contender::with_all_verbs("daemon-runtime", programs.rust("ours")),
    ];
    if let Some(limit) = &programs.limit_in_c {
        all.push(Contender::with_all_verbs("limit, C", limit));
    }
    all.push(Contender {
        name: "daemonize",
        program: vec![programs.rust("daemonized").into()],
        verbs: vec![(Verb::Start, vec![])],
        every: 1,
    });
    all
}
