//! What many were told at the same time, held against what can have been: a lie is found whoever told it.
//!
//! Every deed has a begin and an end, every daemon a birth, all by one clock. Of two daemons only one can be, so a daemon's
//! life is over when the next one is born, and that is enough to say which answers cannot be true.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::home::{Home, Told};

/// A moment.
pub type Moment = Duration;

pub fn now() -> Moment {
    clock_gettime(ClockId::CLOCK_MONOTONIC).expect("there is a clock").into()
}

/// What an answer says. The pid is left out by who does not name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// This start has made a daemon.
    Started(Option<i32>),
    /// A daemon is there.
    Runs(Option<i32>),
    /// There is none, and nobody was harmed.
    NotRunning,
    /// There was one, and it has ended.
    Stopped,
    /// It was asked to reload.
    Reloads,
    /// This start has failed, because SIGTERM came to its daemon.
    Terminated,
    /// This start has failed, because its daemon was killed.
    Killed,
}

/// Something that somebody had done, and what he was told.
#[derive(Debug)]
pub struct Deed {
    pub verb: &'static str,
    pub begun: Moment,
    pub over: Moment,
    /// Whether the program that told it was killed itself: then it need not have told anything.
    pub cut_off: bool,
    pub told: Told,
}

/// All that happened.
#[derive(Debug, Default)]
pub struct History {
    pub deeds: Vec<Deed>,
    /// When somebody was killed.
    pub kills: Vec<Moment>,
    /// Who was on the way to be sealed, and when.
    pub births: Vec<(i32, Moment)>,
}

/// What an answer says, or nothing if it says nothing that can be.
pub type Tongue = fn(&'static str, &Told) -> Option<Vec<Said>>;

impl History {
    /// The births that the daemons of a test have noted.
    pub fn born_in(home: &Home) -> Vec<(i32, Moment)> {
        let birth = |line: String| {
            let (pid, moment) = line.split_once(' ')?;
            Some((pid.parse().ok()?, Moment::from_nanos(moment.parse().ok()?)))
        };
        let mut births: Vec<_> = home.lines("births").into_iter().map(|line| birth(line).expect("a birth")).collect();
        births.sort_by_key(|(_, moment)| *moment);
        // One that reloads is born again, as the same.
        births.dedup_by_key(|(pid, _)| *pid);
        births
    }

    /// All that cannot be true of what was told.
    pub fn lies(&self, tongue: Tongue) -> Vec<String> {
        let mut lies = Vec::new();
        let mut told = Vec::new();
        for deed in self.deeds.iter().filter(|deed| !deed.cut_off) {
            match tongue(deed.verb, &deed.told) {
                Some(said) => told.extend(said.into_iter().map(|said| (deed, said))),
                None => lies.push(format!("that is no answer: {deed:?}")),
            }
        }
        let seen = self.seen(&told);
        for (deed, said) in &told {
            if let Some(why) = self.doubt(deed, *said, &seen) {
                lies.push(format!("{why}: {said:?} of {deed:?}"));
            }
        }
        lies.extend(self.started_twice(&told));
        lies.extend(self.too_many_starts(&told));
        lies
    }

    fn doubt(&self, deed: &Deed, said: Said, seen: &[(Moment, Moment)]) -> Option<&'static str> {
        let within = |moment: &Moment| deed.begun <= *moment && *moment <= deed.over;
        match said {
            Said::Started(Some(pid)) if !self.lives(pid).any(|(birth, _)| within(&birth)) => {
                Some("it was not born in this start")
            }
            Said::Runs(Some(pid)) if !self.lives(pid).any(|life| overlap(life, (deed.begun, deed.over))) => {
                Some("it did not live then")
            }
            Said::NotRunning | Said::Stopped => {
                let outlives = |(started, last): &(Moment, Moment)| *started <= deed.begun && deed.over <= *last;
                seen.iter().any(outlives).then_some("one had been started before, and was seen afterwards")
            }
            Said::Killed if !self.kills.iter().any(within) => Some("nobody was killed"),
            Said::Terminated if !self.is_stopped_during(deed) => Some("nobody has stopped it"),
            _ => None,
        }
    }

    /// Of each daemon, when it was told to have been started, and when the last who has seen it began to look.
    fn seen(&self, told: &[(&Deed, Said)]) -> Vec<(Moment, Moment)> {
        let last = |start: &Deed, pid| {
            let life = self.lives(pid).find(|(birth, _)| start.begun <= *birth && *birth <= start.over)?;
            let is_of = |other: &Deed| overlap(life, (other.begun, other.over));
            // The number may have been somebody else's too, later.
            let sure = self.lives(pid).count() == 1;
            let sights = told.iter().filter(|(other, said)| *said == Said::Runs(Some(pid)) && is_of(other));
            sights.map(|(other, _)| other.begun).max().filter(|_| sure)
        };
        let started = |(deed, said): &(&Deed, Said)| match said {
            Said::Started(Some(pid)) => Some((deed.over, last(deed, *pid)?)),
            _ => None,
        };
        told.iter().filter_map(started).collect()
    }

    /// From each birth of a pid to the next birth of anybody.
    fn lives(&self, pid: i32) -> impl Iterator<Item = (Moment, Moment)> + '_ {
        let end = |at: usize| self.births.get(at + 1).map_or(Moment::MAX, |(_, birth)| *birth);
        let born = self.births.iter().enumerate().filter(move |(_, (born, _))| *born == pid);
        born.map(move |(at, (_, birth))| (*birth, end(at)))
    }

    fn is_stopped_during(&self, deed: &Deed) -> bool {
        self.deeds.iter().any(|other| {
            let stops = ["stop", "restart"].contains(&other.verb) && !std::ptr::eq(other, deed);
            stops && overlap((other.begun, other.over), (deed.begun, deed.over))
        })
    }

    /// Only one start can have made a daemon.
    fn started_twice(&self, told: &[(&Deed, Said)]) -> Option<String> {
        let started = |said: Said| told.iter().filter(|(_, other)| *other == said).count();
        let twice = told.iter().map(|(_, said)| *said).find(|said| match said {
            Said::Started(Some(pid)) => started(*said) > self.lives(*pid).count(),
            _ => false,
        });
        twice.map(|said| format!("more than one start: {said:?}"))
    }

    /// A daemon can only be started again when the last one has ended.
    fn too_many_starts(&self, told: &[(&Deed, Said)]) -> Option<String> {
        let count = |is: fn(&Said) -> bool| told.iter().filter(|(_, said)| is(said)).count();
        let starts = count(|said| matches!(said, Said::Started(_)));
        // Who was cut off may have stopped one before.
        let unheard = self.deeds.iter().filter(|deed| deed.cut_off).count();
        let ends = count(|said| *said == Said::Stopped) + self.kills.len() + unheard;
        (starts > ends + 1).then(|| format!("{starts} starts, and {ends} ends"))
    }
}

fn overlap(one: (Moment, Moment), other: (Moment, Moment)) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

/// How this library answers, to the letter.
pub fn ours(verb: &'static str, told: &Told) -> Option<Vec<Said>> {
    match verb {
        "start" => start(told.code, &told.stdout, &told.stderr).map(|said| vec![said]),
        "stop" => match (told.code, told.stdout.as_str(), told.stderr.as_str()) {
            (0, STOPPED, "") => Some(vec![Said::Stopped]),
            (0, "", NOT_RUNNING) => Some(vec![Said::NotRunning]),
            _ => None,
        },
        "restart" => restart(told),
        "status" => status(told).map(|said| vec![said]),
        "reload" => reload(told).map(|said| vec![said]),
        _ => None,
    }
}

const STOPPED: &str = "Stopping actor ... OK\n";
const NOT_RUNNING: &str = "warning: actor is not running\n";

fn start(code: i32, stdout: &str, stderr: &str) -> Option<Said> {
    match (code, stdout, stderr) {
        (0, "", warning) => {
            number(warning, "warning: actor is already running with pid ", "\n").map(|pid| Said::Runs(Some(pid)))
        }
        (0, line, "") => number(line, "Starting actor ... OK (pid ", ")\n").map(|pid| Said::Started(Some(pid))),
        (code, "Starting actor ... FAILED\n", error) => match (code, error) {
            (143, "error: SIGTERM (15) ended the daemon before it was ready\n") => Some(Said::Terminated),
            (137, "error: SIGKILL (9) ended the daemon before it was ready\n") => Some(Said::Killed),
            // Where the session leader was killed too, nobody can tell any more how the daemon ended.
            (1, "error: the daemon ended, or let go of its claim, before it was ready and without a word\n") => {
                Some(Said::Killed)
            }
            _ => None,
        },
        _ => None,
    }
}

fn restart(told: &Told) -> Option<Vec<Said>> {
    let (stop, stdout, stderr) = match (told.stdout.strip_prefix(STOPPED), told.stderr.strip_prefix(NOT_RUNNING)) {
        (Some(stdout), None) => (Said::Stopped, stdout, told.stderr.as_str()),
        (None, Some(stderr)) => (Said::NotRunning, told.stdout.as_str(), stderr),
        _ => return None,
    };
    Some(vec![stop, start(told.code, stdout, stderr)?])
}

fn status(told: &Told) -> Option<Said> {
    let line = told.stdout.strip_prefix("actor -- ").filter(|_| told.stderr.is_empty())?;
    match told.code {
        0 => {
            let (pid, rest) = line.strip_prefix("pid: ")?.split_once(", ")?;
            rest.starts_with("status: running, uptime: ").then_some(Said::Runs(Some(pid.parse().ok()?)))
        }
        1 => {
            let why = line.strip_prefix("not running (")?;
            (why.contains("actor.pid was left behind by pid ") && why.ends_with(")\n")).then_some(Said::NotRunning)
        }
        3 => (line == "not running\n").then_some(Said::NotRunning),
        _ => None,
    }
}

fn reload(told: &Told) -> Option<Said> {
    match (told.code, told.stdout.as_str(), told.stderr.as_str()) {
        (0, "Reloading actor ... OK\n", "") => Some(Said::Reloads),
        (7, "", "error: not running, so there is nothing to reload\n") => Some(Said::NotRunning),
        // Not yet, while it starts; not any more, while it ends.
        (3, "", error) => {
            let why =
                " does not handle SIGHUP, which would have killed it, so none was sent; `restart` starts it anew\n";
            number(error, "error: pid ", why).map(|pid| Said::Runs(Some(pid)))
        }
        _ => None,
    }
}

fn number(text: &str, before: &str, after: &str) -> Option<i32> {
    text.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

/// How the liar answers, as a script would take it that asks for the exit code.
pub fn liars(verb: &'static str, told: &Told) -> Option<Vec<Said>> {
    let said = match (verb, told.code) {
        ("start", 0) => vec![Said::Started(None)],
        ("restart", 0) => vec![Said::Stopped, Said::Started(None)],
        ("start" | "status", _) if told.stderr.contains("lock") => vec![Said::Runs(None)],
        ("status", 0) => vec![Said::Runs(None)],
        ("stop", 0) => vec![Said::Stopped],
        ("stop" | "restart" | "status", 1) => vec![Said::NotRunning],
        _ => return None,
    };
    Some(said)
}
