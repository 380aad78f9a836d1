//! The processes of a daemon: launcher, session leader and daemon, what they hold and what they tell each other.
//! Nothing here prints for the person at the terminal.

pub(crate) mod agreement;
pub(crate) mod daemon;
pub(crate) mod end;
pub(crate) mod foreground;
pub(crate) mod launcher;
pub(crate) mod leader;
pub(crate) mod pidfile;
pub(crate) mod reason;
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

/// Who is told how an action goes on while it runs. The terminal is one; a caller of the builder's actions is told nothing.
pub(crate) trait Observer {
    /// What can be refused early was not: the action really begins now.
    fn begins(&mut self) {}
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
