//! How the claim is taken, and how long somebody else's is waited for.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Claimed, Holders, Life, Place, Running, claim, look, mine};
use crate::error::Error;
use crate::folder::Owner;

/// How long one waits for a claim that is held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// While a start or an end is in progress.
    pub(crate) in_between: Duration,
    /// While a daemon runs.
    pub(crate) running: Duration,
}

impl Patience {
    fn longest(self) -> Duration {
        self.in_between.max(self.running)
    }
}

/// What came of asking for the claim.
#[derive(Debug)]
pub(crate) enum Acquired {
    Mine(Claimed),
    /// A daemon is there already.
    Running(Running),
}

impl Claimed {
    /// Takes the claim. A folder that is not there is made, and belongs to `owner`. While it is another's, `pause` is called
    /// again and again; nothing is held then, so it may well end the process.
    pub(crate) fn acquire(
        path: &Path,
        patience: Patience,
        owner: Owner,
        pause: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Acquired, Error> {
        let mut place = Place::make(path, owner)?;
        if mine::is_mine(&place) {
            return Ok(Acquired::Running(Running::myself()));
        }
        let begun = Instant::now();
        loop {
            place = match attempt(place)? {
                Attempt::Mine(pidfile) => return Ok(Acquired::Mine(pidfile)),
                Attempt::Held(place) => place,
            };
            // The claim is held. Its holder is a daemon, or on the way to be one, or at its end: only the first is an answer.
            let over = |limit| begun.elapsed() >= limit;
            match look(path, owner.map(|(uid, _)| uid))? {
                Life::Running(daemon) if over(patience.longest()) => return Ok(Acquired::Running(daemon)),
                Life::Running(daemon) if !daemon.is_starting() && over(patience.running) => {
                    return Ok(Acquired::Running(daemon));
                }
                Life::Running(_) => {}
                Life::Unknown { reason } if over(patience.longest()) => {
                    return Err(Error::CannotTell { path: path.to_owned(), reason });
                }
                _ if over(patience.longest()) => {
                    let by = Holders::of(path, None).map(|holders| holders.list()).unwrap_or_default();
                    return Err(Error::ClaimHeld { path: place.claim_path(), by, waited: patience.longest() });
                }
                _ => {}
            }
            pause()?;
        }
    }

    fn prepare(place: Place, claim: File) -> Result<Self, Error> {
        match place.create_draft() {
            Ok(file) => Ok(Self::of(place, claim, file, None)),
            Err(source) => {
                // Still under the claim, so the name is ours to remove.
                place.remove_claim();
                Err(place.draft_refusal(source))
            }
        }
    }
}

/// What came of one try.
enum Attempt {
    Mine(Claimed),
    /// Another holds the claim, or a daemon lives without it.
    Held(Place),
}

fn attempt(place: Place) -> Result<Attempt, Error> {
    place.check_pidfile()?;
    let Some(claim) = claim::try_take(&place)? else { return Ok(Attempt::Held(place)) };
    // Somebody removed a living daemon's claim by hand, or a dying one has not closed its pidfile yet: `look` tells which.
    match look::of_pidfile(&place) {
        Ok(None) => Claimed::prepare(place, claim).map(Attempt::Mine),
        // Still under the claim, so the name is ours to remove.
        witnessed => {
            place.remove_claim();
            match witnessed {
                Ok(_) => Ok(Attempt::Held(place)),
                Err(source) => Err(Error::PidFile { path: place.path().to_owned(), source }),
            }
        }
    }
}
