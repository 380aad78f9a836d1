//! What is written from now on, until nobody reads it any more.

mod trail;
mod watch;

use std::os::fd::AsFd;

pub(super) use self::trail::Trail;
use self::watch::{Look, Watch};
use super::journal::Journal;
use super::showing::Showing;
use crate::error::Error;

/// Goes on with the logs and the journal, each for as long as there is anything to come.
pub(super) fn follow(
    mut trails: Vec<Trail>,
    mut journal: Option<Journal>,
    showing: &mut Showing<'_>,
) -> Result<(), Error> {
    showing.tell();
    let output = showing.output();
    let mut watch = Watch::begin();
    let mut look = Look::AtNames;
    while !(trails.is_empty() && journal.is_none()) {
        for trail in &mut trails {
            if look == Look::AtNames {
                trail.look(&mut watch, showing)?;
            }
            trail.read(showing)?;
        }
        showing.flush()?;
        let woken = watch.wait(output.as_ref().map(AsFd::as_fd), journal.as_ref().map(AsFd::as_fd));
        if woken.is_unread {
            break;
        }
        if woken.has_entries {
            journal = go_on(journal, showing)?;
        }
        look = woken.look;
    }
    Ok(())
}

/// Shows what has come from the journal; nothing is left of it where it has ended.
fn go_on(journal: Option<Journal>, showing: &mut Showing<'_>) -> Result<Option<Journal>, Error> {
    let Some(mut journal) = journal else { return Ok(None) };
    if journal.show_some(showing)? {
        return Ok(Some(journal));
    }
    if let Err(error) = journal.finish() {
        showing.fail(error)?;
    }
    Ok(None)
}
