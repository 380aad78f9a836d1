//! The processes of a daemon: launcher, session leader and daemon, what they hold and what they tell each other.
//! Nothing here prints for the person at the terminal.

pub(crate) mod agreement;
pub(crate) mod anew;
pub(crate) mod crowd;
pub(crate) mod daemon;
pub(crate) mod end;
pub(crate) mod first;
pub(crate) mod foreground;
pub(crate) mod interrupts;
pub(crate) mod launcher;
pub(crate) mod leader;
pub(crate) mod mishap;
pub(crate) mod origin;
pub(crate) mod privileges;
pub(crate) mod program;
pub(crate) mod reason;
pub(crate) mod relay;
pub(crate) mod reload;
pub(crate) mod reopen;
pub(crate) mod session;
pub(crate) mod stages;
pub(crate) mod startup;
pub(crate) mod streams;
pub(crate) mod verdict;
pub(crate) mod watcher;
pub(crate) mod work;

use std::sync::Arc;
use std::time::Duration;

use agreement::Announce;
use stages::Prepared;

use crate::error::Error;
use crate::pidfile::{Acquired, Claimed, Patience, PidFile};
use crate::spec::Spec;
use crate::spec::plan::Plan;

/// Who is told how an action goes on while it runs. The terminal is one; a caller of the builder's actions is told nothing.
pub(crate) trait Observer {
    /// What can be refused early was not: the action really begins now.
    fn begins(&mut self) {}
    /// The processes of the daemon are there: from here on, what fails is a failure of the daemon's.
    fn forked(&mut self) {}
    /// So much has been waited; told about once a second.
    fn waiting(&mut self, _so_far: Duration) {}
    /// What to call when a daemon in the foreground is ready.
    fn in_foreground(&self) -> Announce {
        Arc::new(|| {})
    }
}

/// Nobody.
pub(crate) struct Silent;

impl Observer for Silent {}

/// The claim: the one that was handed over, else a new one. `pause` is called while it is another's.
fn claim(
    spec: &Spec,
    plan: &Plan,
    prepared: &Prepared,
    pause: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Acquired, Error> {
    let handed = spec.claim.borrow_mut().take().and_then(PidFile::into_claimed).map(Acquired::Mine);
    let patience = Patience { in_between: plan.start_timeout, running: plan.pidfile_timeout };
    let acquired = match handed {
        Some(mine) => mine,
        None => Claimed::acquire(&plan.pidfile, patience, prepared.owner(), pause)?,
    };
    match acquired {
        Acquired::Mine(claimed) if spec.repeats() => claimed.with_record().map(Acquired::Mine),
        other => Ok(other),
    }
}
