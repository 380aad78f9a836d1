//! Whole lives of daemons: a start that fails, a start, a question, a restart, a stop.

use std::iter::once;

use super::Bench;
use crate::contender::{Contender, Verb, YARDSTICK};
use crate::findings::{Finding, Unit};
use crate::home::Home;
use crate::run::Taken;

const FAULTS: &str = "Minor page faults of the command and of the processes that it waited for.";

/// The time of each verb until its command has ended, and the page faults that it had meanwhile.
pub fn measure(bench: &Bench<'_>) -> Vec<Finding> {
    let mut findings: Vec<(Finding, Finding)> = Verb::LIFE.into_iter().map(of).collect();
    if !findings.iter().any(|(times, _)| bench.options.wants(&times.name)) {
        return Vec::new();
    }
    eprintln!("lives ...");
    let mut random = fastrand::Rng::new();
    let mut contenders = bench.contenders.to_vec();
    // What comes before the first round is not counted: it shows who works at all, and brings all programs into memory.
    for round in once(None).chain((0..bench.options.rounds).map(Some)) {
        for (verb, (times, faults)) in Verb::LIFE.into_iter().zip(&mut findings) {
            // Nobody comes always after the same one.
            random.shuffle(&mut contenders);
            contenders.retain(|contender| match turn(contender, verb, bench.home, round) {
                Ok(taken) => {
                    if let (Some(taken), Some(round)) = (taken, round) {
                        times.note(contender.name, YARDSTICK, round, taken.wall.as_secs_f64());
                        faults.note(contender.name, YARDSTICK, round, taken.page_faults as f64);
                    }
                    true
                }
                Err(reason) => {
                    println!("left out from here on: {}, because {reason}", contender.name);
                    false
                }
            });
        }
    }
    findings.sort_by_key(|(times, _)| Verb::ALL.iter().position(|verb| verb.name() == times.name));
    let wanted = |(times, _): &(Finding, Finding)| bench.options.wants(&times.name);
    let (times, faults): (Vec<_>, Vec<_>) = findings.into_iter().filter(wanted).unzip();
    let mut all: Vec<Finding> = times.into_iter().chain(faults).collect();
    let names: Vec<&str> = bench.contenders.iter().map(|contender| contender.name).collect();
    all.iter_mut().for_each(|finding| finding.sort_by_names(&names));
    all
}

fn of(verb: Verb) -> (Finding, Finding) {
    let what = match verb {
        Verb::Fail => "From the start whose worker fails at once until the reason was shown and the command has ended.",
        Verb::Start => "Until the command has ended, with a worker that is ready at once.",
        Verb::Stop => "Until the command has ended, with a worker that ends as soon as it is asked to.",
        Verb::Restart => "Until the command has ended, with such a worker.",
        Verb::Status => "The line for a person, until the command has ended.",
    };
    let faults = Finding::new(format!("{}: page faults", verb.name()), Unit::Pages, FAULTS);
    (Finding::new(verb.name(), Unit::Time, what), faults)
}

/// Does what the verb says, if this contender has it and it is its turn.
fn turn(contender: &Contender, verb: Verb, home: &Home, round: Option<usize>) -> Result<Option<Taken>, String> {
    if round.is_some_and(|round| round % contender.every != 0) {
        return Ok(None);
    }
    let place = home.place(contender.name);
    let Some(line) = contender.line(verb, &place) else {
        // There is no other way for it to end.
        return if verb == Verb::Stop { place.end().map(|()| None) } else { Ok(None) };
    };
    let taken = line.run()?;
    if matches!(verb, Verb::Start | Verb::Restart) {
        // A launcher that does not wait for its daemon must not disturb the next one's turn.
        place.pid()?;
    }
    Ok(Some(taken))
}
