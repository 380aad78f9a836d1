//! Taking turns: everybody once in every round, in an order that is drawn anew for each.

use crate::findings::Finding;

/// One who takes turns.
pub struct Turn<'a> {
    pub who: String,
    /// Whom it is put beside.
    pub yardstick: String,
    /// Where, for one who is measured at several places.
    pub at: Option<f64>,
    /// It takes its turn in every so manieth round.
    pub every: usize,
    /// Does it once, and says what it has taken.
    pub take: Box<dyn FnMut() -> Result<f64, String> + 'a>,
}

impl<'a> Turn<'a> {
    pub fn new(who: &str, yardstick: &str, take: impl FnMut() -> Result<f64, String> + 'a) -> Self {
        Self { who: who.to_owned(), yardstick: yardstick.to_owned(), at: None, every: 1, take: Box::new(take) }
    }

    pub fn at(self, at: f64) -> Self {
        Self { at: Some(at), ..self }
    }
}

/// Has them all take their turns, and notes what each has taken. A turn before the first round is not counted: it shows who
/// works at all, and brings the programs into memory.
pub fn take(finding: &mut Finding, rounds: usize, mut turns: Vec<Turn<'_>>) {
    let names: Vec<String> = turns.iter().map(|turn| turn.who.clone()).collect();
    eprintln!("{} ...", finding.name);
    let mut random = fastrand::Rng::new();
    for round in [None].into_iter().chain((0..rounds).map(Some)) {
        random.shuffle(&mut turns);
        turns.retain_mut(|turn| match round {
            Some(round) if round % turn.every != 0 => true,
            _ => counted(finding, round, turn),
        });
    }
    finding.sort_by_names(&names.iter().map(String::as_str).collect::<Vec<_>>());
}

/// False for one who has failed, and takes no part any more.
fn counted(finding: &mut Finding, round: Option<usize>, turn: &mut Turn<'_>) -> bool {
    match (turn.take)() {
        Ok(value) => {
            if let Some(round) = round {
                finding.note_at(turn.at, &turn.who, &turn.yardstick, round, value);
            }
            true
        }
        Err(reason) => {
            println!("{}: {} is left out from here on, because {reason}", finding.name, turn.who);
            false
        }
    }
}
