//! Whole lives of daemons: a start that fails, a start, a question, a restart, a stop.

use crate::contender::{Contender, Verb};
use crate::findings::{Finding, Unit};
use crate::home::Home;
use crate::options::Options;
use crate::run::Taken;

/// The time of each verb until its command has ended, and the page faults that it had meanwhile.
pub fn measure(options: &Options, home: &Home, contenders: &mut Vec<Contender>) -> Vec<Finding> {
    let mut findings: Vec<(Finding, Finding)> = Verb::ALL.into_iter().map(of).collect();
    let mut random = fastrand::Rng::new();
    // What comes before the first round is not counted: it shows who works at all, and brings all programs into memory.
    for round in [None].into_iter().chain((0..options.rounds).map(Some)) {
        for (verb, (times, faults)) in Verb::ALL.into_iter().zip(&mut findings) {
            // Nobody comes always after the same one.
            random.shuffle(contenders);
            contenders.retain(|contender| match turn(contender, verb, home, round) {
                Ok(taken) => {
                    if let (Some(taken), Some(round)) = (taken, round) {
                        times.note(contender.name, round, taken.wall.as_secs_f64());
                        faults.note(contender.name, round, taken.page_faults as f64);
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
    let wanted = |(times, _): &(Finding, Finding)| options.wants(&times.name);
    let (times, faults): (Vec<_>, Vec<_>) = findings.into_iter().filter(wanted).unzip();
    times.into_iter().chain(faults).collect()
}

fn of(verb: Verb) -> (Finding, Finding) {
    let faults = format!("{}: page faults", verb.name());
    (Finding::new(verb.name(), Unit::Time), Finding::new(faults, Unit::Pages))
}

/// Does what the verb says, if this contender has it and it is its turn.
fn turn(contender: &Contender, verb: Verb, home: &Home, round: Option<usize>) -> Result<Option<Taken>, String> {
    if round.is_some_and(|round| round % contender.every != 0) {
        return Ok(None);
    }
    let place = home.place(contender.name);
    match contender.line(verb, &place) {
        Some(line) => line.run().map(Some),
        // There is no other way for it to end.
        None if verb == Verb::Stop => place.end().map(|()| None),
        None => Ok(None),
    }
}
