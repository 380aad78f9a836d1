//! What grows with the machine or the launcher, and what must not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Bench;
use crate::contender::{Contender, OURS, Verb, YARDSTICK};
use crate::findings::{Finding, Unit};
use crate::home::Place;
use crate::run::Line;
use crate::turns::{Turn, take};

const FEW: u64 = 1024;
const MANY: u64 = 1_048_576;
const LEAKED: usize = 10_000;
const MEBIBYTES: [u64; 5] = [0, 64, 256, 1024, 4096];
const FORK: &str = "by fork";
const EXEC: &str = "by exec";

pub fn measure(bench: &Bench<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, of) in [
        ("start, descriptors allowed", allowed as fn(&Bench<'_>, &str) -> Result<Finding, String>),
        ("start, descriptors leaked", leaked),
        ("start, memory of the launcher", ballast),
        ("status, other processes", crowd),
    ] {
        if bench.options.wants(name) {
            match of(bench, name) {
                Ok(finding) => findings.push(finding),
                Err(reason) => println!("left out: {name}, because {reason}"),
            }
        }
    }
    findings
}

/// Those of whom it is interesting.
fn both<'a>(bench: &'a Bench<'_>) -> impl Iterator<Item = &'a Contender> {
    [YARDSTICK, OURS].into_iter().filter_map(|name| bench.contender(name))
}

fn place(bench: &Bench<'_>, contender: &Contender) -> Place {
    bench.home.place(&format!("{} grows", contender.name))
}

/// How long a start takes; the daemon is ended again.
fn start(contender: &Contender, place: &Place) -> Result<f64, String> {
    let taken = contender.line(Verb::Start, place).ok_or("it cannot start")?.run()?;
    contender.end(place)?;
    Ok(taken.wall.as_secs_f64())
}

fn allowed(bench: &Bench<'_>, name: &str) -> Result<Finding, String> {
    let what =
        "With `RLIMIT_NOFILE` at 1 024 and at 1 048 576, or as high as this machine lets us; put beside the former.";
    let mut finding = Finding::new(name, Unit::Time, what);
    let before = Allowed::now()?;
    let many = if before.raise(MANY).is_ok() { MANY } else { before.hard.min(MANY) };
    let who = |contender: &Contender, limit| format!("{}, {limit}", contender.name);
    let turns = both(bench).flat_map(|contender| {
        [FEW, many].map(|limit| {
            Turn::new(&who(contender, limit), &who(contender, FEW), move || {
                before.raise(limit)?;
                start(contender, &place(bench, contender))
            })
        })
    });
    take(&mut finding, bench.rounds(2), turns.collect());
    before.restore()?;
    Ok(finding)
}

/// How many descriptors a process may have.
#[derive(Clone, Copy)]
struct Allowed {
    soft: u64,
    hard: u64,
}

impl Allowed {
    fn now() -> Result<Self, String> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
        Ok(Self { soft, hard })
    }

    /// So many, for the commands that follow.
    fn raise(self, soft: u64) -> Result<(), String> {
        let set = setrlimit(Resource::RLIMIT_NOFILE, soft, self.hard.max(soft));
        set.map_err(|error| format!("RLIMIT_NOFILE cannot be {soft}: {error}"))
    }

    fn restore(self) -> Result<(), String> {
        self.raise(self.soft)
    }
}

fn leaked(bench: &Bench<'_>, name: &str) -> Result<Finding, String> {
    let what = "With 10 000 descriptors that the launching program has left open, in ten runs of numbers that follow each other.";
    let mut finding = Finding::new(name, Unit::Time, what);
    let before = Allowed::now()?;
    before.raise(before.soft.max(LEAKED as u64 + FEW))?;
    let open = leak()?;
    let turn = |contender: &'_ Contender| {
        let (contender, place) = (contender.clone(), place(bench, contender));
        Turn::new(contender.name, YARDSTICK, move || start(&contender, &place))
    };
    take(&mut finding, bench.rounds(10), both(bench).map(turn).collect());
    drop(open);
    before.restore()?;
    Ok(finding)
}

/// Descriptors that go over exec, with nine gaps between them.
fn leak() -> Result<Vec<OwnedFd>, String> {
    let null = fs::File::open("/dev/null").map_err(|error| error.to_string())?;
    let mut open: Vec<OwnedFd> = Vec::new();
    for _ in 0..LEAKED + 9 {
        // SAFETY: touches no memory.
        let fd = unsafe { libc::fcntl(null.as_raw_fd(), libc::F_DUPFD, 64) };
        if fd < 0 {
            return Err(std::io::Error::last_os_error().to_string());
        }
        // SAFETY: the kernel has just made it for us.
        open.push(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    let mut number = 0;
    open.retain(|_| {
        number += 1;
        number % (LEAKED / 10 + 1) != 0
    });
    Ok(open)
}

fn ballast(bench: &Bench<'_>, name: &str) -> Result<Finding, String> {
    let what = "The call in a launcher that has touched so much memory in small pages: by fork, whose page tables are the \
         kernel's price, and with `detach = \"exec\"`; the memory itself is not timed.";
    let mut finding = Finding::new(name, Unit::Time, what);
    let (limit, ours) = (bench.programs.rust("ballast-limit"), bench.programs.rust("ballast-ours"));
    let ways = [(YARDSTICK, limit, "start"), (FORK, ours.clone(), "start"), (EXEC, ours, "exec")];
    let mut turns = Vec::new();
    for mebibytes in MEBIBYTES.into_iter().filter(|mebibytes| fits(*mebibytes)) {
        for (who, program, how) in &ways {
            let place = bench.home.place(&format!("ballast {who}"));
            let start = Line::new([program.as_os_str(), how.as_ref()], &place).with("BENCH_BALLAST", mebibytes);
            let stop = Line::new([program.as_os_str(), "stop".as_ref()], &place);
            let take = move || {
                let nanoseconds = start.number()?;
                stop.run()?;
                Ok(nanoseconds / 1e9)
            };
            turns.push(Turn::new(who, YARDSTICK, take).at(mebibytes as f64));
        }
    }
    take(&mut finding, bench.rounds(40), turns);
    finding.across = "MiB of memory that the launcher has touched";
    finding.remark = Some(match crossing(&finding.line(FORK), &finding.line(EXEC)) {
        Some(mebibytes) => format!("From about {mebibytes:.0} MiB on, `detach = \"exec\"` is faster than the fork."),
        None => "One of the two is faster with all sizes that were measured.".to_owned(),
    });
    Ok(finding)
}

/// Where the first line, which begins below, comes to be above the second, on straight lines between what was measured.
fn crossing(first: &[(f64, f64)], second: &[(f64, f64)]) -> Option<f64> {
    let above: Vec<(f64, f64)> = first.iter().zip(second).map(|(one, other)| (one.0, one.1 - other.1)).collect();
    let pair = above.windows(2).find(|pair| pair[0].1 < 0.0 && pair[1].1 >= 0.0)?;
    let ((from, below), (to, over)) = (pair[0], pair[1]);
    Some(from + (to - from) * -below / (over - below))
}

/// Whether the machine has so much memory, and half of it more.
fn fits(mebibytes: u64) -> bool {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let available = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default();
    mebibytes * 1024 * 3 / 2 <= available
}

fn crowd(bench: &Bench<'_>, name: &str) -> Result<Finding, String> {
    let what = "Of one daemon, while so many other processes are there: as children of a process of theirs, or of the one that \
         all orphans have, and so the daemon; put beside the smallest crowd.";
    let mut finding = Finding::new(name, Unit::Time, what);
    let rounds = bench.rounds(2);
    let who = |contender: &Contender, kind: &str| format!("{}, {kind}", contender.name);
    for contender in both(bench) {
        contender.start(&place(bench, contender))?;
    }
    // Twice each crowd, so that what changes in time is not taken for what changes with them.
    for turn in 0..2 {
        for (kind, count, parents) in CROWDS {
            eprintln!("{name}: {kind} ...");
            let crowd = Crowd::of(count, parents)?;
            for round in turn * rounds..(turn + 1) * rounds {
                for contender in both(bench) {
                    let line = contender.line(Verb::Status, &place(bench, contender)).ok_or("it has no status")?;
                    let taken = line.run()?.wall.as_secs_f64();
                    finding.note(&who(contender, kind), &who(contender, CROWDS[0].0), round, taken);
                }
            }
            drop(crowd);
        }
    }
    for contender in both(bench) {
        contender.end(&place(bench, contender))?;
    }
    Ok(finding)
}

/// Whose children the processes of a crowd are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parents {
    Own,
    /// Whoever adopts orphans: the warden here, as init elsewhere.
    Init,
}

const CROWDS: [(&str, usize, Parents); 3] =
    [("10 others", 10, Parents::Own), ("2 000 others", 2_000, Parents::Own), ("2 000 orphans", 2_000, Parents::Init)];

/// Processes that do nothing.
struct Crowd {
    pids: Vec<i32>,
    shell: Child,
}

/// Begins them, tells their pids, and stays until its input ends.
const SCRIPT: &str =
    "while [ $1 -gt 0 ]; do sleep infinity </dev/null >/dev/null 2>&1 & echo $!; set -- $(($1 - 1)); done; read line";

impl Crowd {
    fn of(count: usize, parents: Parents) -> Result<Self, String> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh", &count.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().map_err(|error| error.to_string())?;
        let told = shell.stdout.take().map(|stdout| BufReader::new(stdout).lines().take(count));
        let pids: Vec<i32> = told.into_iter().flatten().filter_map(|line| line.ok()?.parse().ok()).collect();
        let mut crowd = Self { pids, shell };
        if parents == Parents::Init {
            crowd.end_shell();
        }
        if crowd.pids.len() == count { Ok(crowd) } else { Err(format!("there are only {}", crowd.pids.len())) }
    }

    fn end_shell(&mut self) {
        drop(self.shell.stdin.take());
        // Whatever it says at its end.
        let _ = self.shell.wait();
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for pid in &self.pids {
            // They end by nothing else, so the numbers are theirs until then.
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        self.end_shell();
        while self.pids.iter().any(|pid| kill(Pid::from_raw(*pid), None) != Err(Errno::ESRCH)) {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
