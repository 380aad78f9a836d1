//! The logs opened again under their names, after whoever rotates them has moved the old ones away.
//!
//! The daemon does so itself, by the path and as the user that it is by now, on the same careful way as the launcher did. A log
//! that cannot be opened again is kept as it is, and told there.

use std::mem;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::mishap;
use super::relay::{self, Which};
use super::stages::Role;
use super::streams::open_log;
use crate::error::Error;
use crate::spec::plan::Plan;
use crate::spec::setting::Output;
use crate::sys::descriptor;

/// How long the program's next image waits for a disk that keeps what this one is opening.
const PATIENCE: Duration = Duration::from_secs(5);

const BOTH: [(Which, &str); 2] = [(Which::Out, "stdout"), (Which::Err, "stderr")];

/// Device and inode of a file.
type Identity = Option<(u64, u64)>;

/// The daemon's logs that can be found by their names.
#[derive(Debug)]
pub(crate) struct Logs {
    /// The daemon. A child that the worker has forked has its streams from it, and opens none.
    pid: u32,
    paths: [Option<PathBuf>; 2],
    output: Output,
    /// What was put in each stream's place: who has put something else there wants to keep it.
    placed: Mutex<[Identity; 2]>,
    asked: Mutex<Asked>,
    changed: Condvar,
}

/// What a signal has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    /// It is being done.
    Once,
    /// The same, and then it is to be done again.
    Again,
}

impl Logs {
    /// Those of a daemon that has its streams in their places; none where no name leads to any.
    pub(super) fn of(plan: &Plan, role: Role) -> Option<Arc<Self>> {
        let paths = [&plan.stdout, &plan.stderr].map(|stream| stream.log(plan.chroot.as_deref()));
        if role == Role::Foreground || paths.iter().all(Option::is_none) {
            return None;
        }
        let placed = BOTH.map(|(which, _)| identity(which));
        Some(Arc::new(Self {
            pid: std::process::id(),
            paths,
            output: plan.output,
            placed: Mutex::new(placed),
            asked: Mutex::new(Asked::Nothing),
            changed: Condvar::new(),
        }))
    }

    /// Has them opened again on a thread of its own: a disk may take its time, and the watcher must go on watching.
    pub(super) fn ask(self: &Arc<Self>) {
        let mut asked = lock(&self.asked);
        if mem::replace(&mut *asked, Asked::Again) != Asked::Nothing {
            return;
        }
        *asked = Asked::Once;
        drop(asked);
        let logs = Arc::clone(self);
        if thread::Builder::new().name("reopen".to_owned()).spawn(move || logs.do_as_asked()).is_err() {
            self.do_as_asked();
        }
    }

    fn do_as_asked(&self) {
        loop {
            for (which, error) in self.open_all() {
                mishap::report_on(which, &format!("error: {error}; what is written here goes on to the old one"));
            }
            let mut asked = lock(&self.asked);
            *asked = if *asked == Asked::Again { Asked::Once } else { Asked::Nothing };
            if *asked == Asked::Nothing {
                self.changed.notify_all();
                return;
            }
        }
    }

    /// Waits until all is done that was asked for.
    pub(super) fn finish(&self) {
        let is_at_work = |asked: &mut Asked| *asked != Asked::Nothing;
        let _done = self.changed.wait_timeout_while(lock(&self.asked), PATIENCE, is_at_work);
    }

    /// Opens them again; the first error, if there was one.
    pub(super) fn open_again(&self) -> Result<(), Error> {
        self.open_all().into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Opens each again, and keeps the old one where that fails.
    fn open_all(&self) -> Vec<(Which, Error)> {
        if self.pid != std::process::id() {
            return Vec::new();
        }
        // One after the other: the last one that is opened is the one that stays.
        let mut placed = lock(&self.placed);
        let mut failed = Vec::new();
        let mut files = BOTH.map(|(which, stream)| {
            self.open(which, stream, *placed).unwrap_or_else(|e| {
                failed.push((which, e));
                None
            })
        });
        if self.paths[0] == self.paths[1] {
            // Both are in one file, also where another moves the name away in between.
            if let [Some(stdout), Some(stderr)] = &mut files {
                if let Ok(same) = stdout.try_clone() {
                    *stderr = same;
                }
            }
            failed.dedup_by_key(|_| ());
        }
        match self.output {
            Output::Relayed => relay::turn_to(files),
            Output::Direct => put(files, &mut placed),
        }
        failed
    }

    /// Opens one; nothing where the worker has put something else in the stream's place.
    fn open(&self, which: Which, stream: &'static str, placed: [Identity; 2]) -> Result<Option<OwnedFd>, Error> {
        let Some(path) = &self.paths[which as usize] else { return Ok(None) };
        if placed[which as usize] != identity(which) {
            return Ok(None);
        }
        let opened = open_log(path, None);
        opened.map(Some).map_err(|source| Error::Stream { stream, path: path.clone(), source })
    }
}

fn put(files: [Option<OwnedFd>; 2], placed: &mut [Identity; 2]) {
    for ((which, _), file) in BOTH.into_iter().zip(files) {
        // It cannot fail: both descriptors are open. Were it to, the stream would stay the old log.
        if file.is_some_and(|file| which.put(&file).is_ok()) {
            placed[which as usize] = identity(which);
        }
    }
}

fn identity(which: Which) -> Identity {
    descriptor::identity(which.number()).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held, so a poisoned lock still holds a whole value.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
