//! Start, stop, restart, status, reload and kill -9 at random, from eight at once: never two daemons, never a wrong answer,
//! and at the end one start and one stop work and leave nothing.
//!
//! `TEMPEST_SEED` has the same deeds done again, as far as the machine allows; a failure names it. `TEMPEST_SECONDS` is how
//! long all of it may take, a minute if it is not said.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::history::{Deed, History, liars, now, ours};
use crate::home::{Home, Program, Told, eventually};
use crate::killed::Random;

const LONE: &str = env!("CARGO_BIN_EXE_lone");
const LIAR: &str = env!("CARGO_BIN_EXE_liar");

const WORKERS: u64 = 8;

/// What is done, each as often as it stands here.
const ALL: &[&str] = &["start", "start", "start", "stop", "restart", "status", "status", "reload", "kill", "kill"];

/// What harms nobody.
const HARMLESS: &[&str] = &["start", "status", "reload"];

struct Tempest<'a> {
    home: &'a Home,
    program: &'a str,
    detach: &'a str,
    verbs: &'a [&'static str],
    /// Whom we have killed; as in the history, noted before the signal is sent.
    victims: Mutex<HashSet<i32>>,
    history: Mutex<History>,
}

impl<'a> Tempest<'a> {
    fn of(home: &'a Home, program: &'a str, detach: &'a str, verbs: &'a [&'static str]) -> Self {
        Self { home, program, detach, verbs, victims: Mutex::default(), history: Mutex::default() }
    }

    fn program(&self, role: &str) -> Program {
        let program = self.home.cast(Path::new(self.program), role);
        program.set("ACTOR_DETACH", self.detach).set("ACTOR_SETTLE", "10ms").set("ACTOR_STOP_TIMEOUT", "50s")
    }

    /// All that happened.
    fn rage(self, seed: u64, length: Duration) -> History {
        let end = Instant::now() + length;
        thread::scope(|scope| {
            for worker in 1..=WORKERS {
                let mut random = Random(seed.wrapping_mul(worker).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
                let this = &self;
                scope.spawn(move || {
                    while Instant::now() < end {
                        this.act(&mut random);
                    }
                });
            }
        });
        let mut history = self.history.into_inner().expect("nobody panicked");
        history.births = History::born_in(self.home);
        history
    }

    fn act(&self, random: &mut Random) {
        let verb = self.verbs[random.below(self.verbs.len())];
        let role = ["ready", "settles"][random.below(2)];
        if verb == "kill" {
            return self.kill_one(random);
        }
        let begun = now();
        let child = self.program(role).spawn(&[verb]);
        let pid = i32::try_from(child.id()).expect("a pid");
        let told = Told::of(child);
        let cut_off = told.code == 128 + Signal::SIGKILL as i32 && self.is_victim(pid);
        self.note(Deed { verb, begun, over: now(), cut_off, told });
    }

    fn note(&self, deed: Deed) {
        self.history.lock().expect("nobody panicked").deeds.push(deed);
    }

    fn is_victim(&self, pid: i32) -> bool {
        self.victims.lock().expect("nobody panicked").contains(&pid)
    }

    /// Anybody who takes part: a launcher, a session leader, a daemon, one who only asks.
    fn kill_one(&self, random: &mut Random) {
        let everybody = self.home.processes();
        if everybody.is_empty() {
            return;
        }
        let victim = everybody[random.below(everybody.len())];
        self.victims.lock().expect("nobody panicked").insert(victim);
        // Looked at again: what has ended meanwhile may have left its number to a stranger.
        if self.home.is_process(victim) {
            self.history.lock().expect("nobody panicked").kills.push(now());
            let _ = kill(Pid::from_raw(victim), Signal::SIGKILL);
        }
    }
}

/// The seed, and the time that there is for all.
fn settings() -> (u64, Duration) {
    let number = |key: &str| std::env::var(key).ok().and_then(|text| text.parse().ok());
    let seed = number("TEMPEST_SEED").unwrap_or_else(|| u64::from(now().subsec_nanos()));
    (seed, Duration::from_secs(number("TEMPEST_SECONDS").unwrap_or(60)))
}

#[track_caller]
fn assert_weathered(detach: &str, share: u32) {
    let (seed, time) = settings();
    let home = Home::new();
    let history = Tempest::of(&home, LONE, detach, ALL).rage(seed, time * share / 60);
    let again = format!("TEMPEST_SEED={seed}");
    let lies = history.lies(ours);
    assert!(lies.is_empty(), "{again}: {} lies in {} answers: {lies:#?}", lies.len(), history.deeds.len());
    home.assert_never_two();
    assert_calm(&home, &again);
}

/// Nothing is left that nobody owns, and a start and a stop work and leave nothing.
#[track_caller]
fn assert_calm(home: &Home, again: &str) {
    let program = |role: &str| home.cast(Path::new(LONE), role);
    // A daemon that lost its launcher may be on its way still.
    eventually("status and the processes to agree", || {
        let told = program("").run(&["status", "--fields", "pid"]);
        match home.processes().as_slice() {
            [] => [1, 3].contains(&told.code),
            [pid] => told.code == 0 && told.stdout == format!("actor -- pid: {pid}\n"),
            _ => false,
        }
    });
    let told = program("").run(&["stop"]);
    assert_eq!(told.code, 0, "{again}: {told:?}");
    home.assert_nothing_left();
    let told = program("ready").run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    program("").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    home.assert_never_two();
}

#[test]
fn whatever_eight_do_at_random_nobody_is_lied_to_and_there_are_never_two_daemons() {
    assert_weathered("auto", 35);
}

#[test]
fn whatever_eight_do_at_random_to_new_images_nobody_is_lied_to_and_there_are_never_two_daemons() {
    assert_weathered("exec", 20);
}

#[test]
fn however_many_start_and_reload_what_runs_it_goes_on() {
    let (seed, time) = settings();
    let home = Home::new();
    let told = home.cast(Path::new(LONE), "ready").run(&["start"]);
    let pid = home.pid();
    told.assert(0, &format!("Starting actor ... OK (pid {pid})\n"), "");
    let history = Tempest::of(&home, LONE, "auto", HARMLESS).rage(seed, time * 5 / 60);
    assert_eq!((home.processes(), home.read("last-words")), (vec![pid], String::new()), "TEMPEST_SEED={seed}");
    assert_eq!(history.births.iter().map(|(born, _)| *born).collect::<Vec<_>>(), [pid]);
    assert_eq!(history.lies(ours), Vec::<String>::new(), "TEMPEST_SEED={seed}");
    home.cast(Path::new(LONE), "").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn a_program_that_lies_is_found_lying() {
    let home = Home::new();
    let verbs = &["start", "start", "start", "stop", "restart", "status", "kill"];
    let tempest = Tempest::of(&home, LIAR, "auto", verbs);
    let history = tempest.rage(1, Duration::from_secs(2));
    let lies = history.lies(liars);
    assert!(!lies.is_empty(), "{} answers", history.deeds.len());
}
