//! `restart`: `stop`, and when the daemon is gone, `start`. One that was not running is started all the same.

use super::{Narrator, Start, StartOptions, Stop, StopOptions, start, stop};
use crate::error::Error;
use crate::process::anew::received;
use crate::spec::Spec;

/// How a restart came out, if it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restart {
    /// How the stop came out.
    pub stop: Stop,
    /// How the start came out.
    pub start: Start,
}

pub(crate) fn restart(
    spec: &Spec,
    start: &StartOptions,
    stop: &StopOptions,
    narrator: &mut dyn Narrator,
) -> Result<Restart, Error> {
    if let Some(arrived) = received(spec)? {
        // Begun anew by a restart, or for a reload of what one has started: the stop was done long ago.
        return Ok(Restart { stop: Stop::NotRunning, start: start::go_on(spec, &arrived)? });
    }
    // What the start would refuse anyway must not cost the daemon that runs.
    narrator.starting();
    let plan = start::check(spec, start)?;
    let stop = stop::stop(spec, stop, narrator.stopping())?;
    narrator.stopped(&stop);
    let start = start::go(spec, &plan, start, narrator.starting())?;
    Ok(Restart { stop, start })
}
