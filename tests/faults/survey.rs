//! All faults of an action, one run each.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nix::errno::Errno;

use crate::call::Place;
use crate::fault::Fault;
use crate::judge::{Model, judge};
use crate::mode::Cast;
use crate::scene::{Scene, Shown};
use crate::tracer::Made;

/// How many calls of a name are taken of one thread, unless everything is asked for: after so many it is doing the same again
/// and again, as when it asks for one process after another.
const MOST_ALIKE: u32 = 40;

/// What is to happen at each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// It fails, with each error that fits; or it writes less.
    Errors,
    /// It fails with one of these, another at each call; and it is interrupted.
    SomeErrors,
    /// The process that makes it is killed; or all are.
    Kills,
    /// The process that makes it stands still.
    Delays,
}

impl Kinds {
    /// How many runs go on at a time. One that stands still needs no processor.
    fn at_a_time(self) -> usize {
        if self == Self::Delays { 8 } else { 2 }
    }
}

/// What came of all the runs.
#[derive(Debug)]
pub struct Survey {
    pub runs: usize,
    pub findings: Vec<String>,
}

/// The text that the places of the calls must have, if only some are to be run.
pub fn only() -> Option<String> {
    std::env::var("FAULTS_ONLY").ok()
}

/// Whether the full product is to be run.
pub fn is_everything_asked_for() -> bool {
    std::env::var("FAULTS").is_ok_and(|asked| asked == "all")
}

/// By what a run is judged.
type Judge = fn(&Scene, &Model, &Place, Fault, &Shown) -> Result<(), String>;

/// Runs an action once with each fault.
pub fn survey(cast: Cast, kinds: Kinds) -> Survey {
    survey_by(judge, cast, kinds)
}

/// The same with a judge of its own.
pub fn survey_by(judge: Judge, cast: Cast, kinds: Kinds) -> Survey {
    let scene = Scene::new(cast);
    let shown = scene.run(None);
    assert!(!shown.hung, "without a fault: it hangs\n{:?}", shown.told);
    let model = Model::of(&scene, &shown).unwrap_or_else(|found| panic!("without a fault: {found}\n{shown:?}"));
    let cases = cases(&shown.calls, kinds);
    let (findings, next, missed) = (Mutex::new(Vec::new()), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..kinds.at_a_time() {
            scope.spawn(|| {
                while let Some((place, fault)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match run(judge, cast, &model, place, *fault) {
                        Ok(true) => {}
                        Ok(false) => drop(missed.fetch_add(1, Ordering::Relaxed)),
                        Err(finding) => findings.lock().expect("nobody panics with it").push(finding),
                    }
                }
            });
        }
    });
    let (missed, findings) = (missed.into_inner(), findings.into_inner().expect("nobody panics with it"));
    let told = format!("{cast}: {} runs, {missed} of them without the call, {} findings", cases.len(), findings.len());
    // Not by `println!`, which the test runner keeps to itself where nothing fails.
    let _ = writeln!(std::io::stderr(), "{told}");
    Survey { runs: cases.len() - missed, findings }
}

/// Whether the call was come to; or what was wrong.
fn run(judge: Judge, cast: Cast, model: &Model, place: &Place, fault: Fault) -> Result<bool, String> {
    let scene = Scene::new(cast);
    let shown = scene.run(Some((place, fault)));
    if !shown.hit {
        return Ok(false);
    }
    judge(&scene, model, place, fault, &shown)
        .map(|()| true)
        .map_err(|found| format!("{place}, {fault}: {found}\n    {:?}", shown.told))
}

fn cases(calls: &[Made], kinds: Kinds) -> Vec<(Place, Fault)> {
    let mut seen = HashSet::new();
    let mut alike: HashMap<(&str, u32, &str), u32> = HashMap::new();
    let mut cases = Vec::new();
    for made in calls.iter().filter(|made| is_meant(made, kinds) && seen.insert(made.place.clone())) {
        let count = alike.entry((&made.place.who, made.place.image, made.place.name)).or_default();
        *count += 1;
        if *count <= MOST_ALIKE || is_everything_asked_for() {
            cases.extend(faults(made, kinds, *count).into_iter().map(|fault| (made.place.clone(), fault)));
        }
    }
    cases
}

/// What comes before `main` is the loader's, and done before the action begins.
fn is_meant(made: &Made, kinds: Kinds) -> bool {
    let is_asked_for = only().is_none_or(|only| made.place.to_string().contains(&only));
    let is_a_moment = matches!(kinds, Kinds::Errors | Kinds::SomeErrors) || is_everything_asked_for();
    made.in_main && is_asked_for && (is_a_moment || !made.call.changes_nothing())
}

fn faults(made: &Made, kinds: Kinds, count: u32) -> Vec<Fault> {
    let errors = made.call.kind().errors;
    let short = made.call.length_written().map(|_| Fault::Short);
    match kinds {
        Kinds::Errors => errors.iter().copied().map(Fault::Error).chain(short).collect(),
        Kinds::SomeErrors => {
            let others: Vec<_> = errors.iter().copied().filter(|errno| *errno != Errno::EINTR).collect();
            let another = others.get(count as usize % others.len().max(1)).copied();
            let interrupted = errors.iter().copied().find(|errno| *errno == Errno::EINTR);
            another.into_iter().chain(interrupted).map(Fault::Error).chain(short).collect()
        }
        Kinds::Kills => vec![Fault::Kill, Fault::KillAll],
        Kinds::Delays => vec![Fault::Delay],
    }
}
