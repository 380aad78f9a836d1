//! Waiting for logs to change: inotify(7), which only wakes, so that what has changed is seen in the files themselves. Where it
//! cannot be had, they are looked at time and again.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use crate::sys::again::again;

/// How long nothing is looked at where the kernel tells nothing.
const PAUSE: Duration = Duration::from_millis(250);

/// That there is more in a file, and that it may be another's now.
const OF_FILES: AddWatchFlags = AddWatchFlags::IN_MODIFY
    .union(AddWatchFlags::IN_ATTRIB)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_DELETE_SELF);

/// That a name in a folder means something else now, or nothing, or may be opened now.
const OF_FOLDERS: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVE)
    .union(AddWatchFlags::IN_ATTRIB)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_ONLYDIR);

/// What is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// What the files hold that are open.
    AtContents,
    /// That, and what the names of the logs mean.
    AtNames,
}

/// Why one was woken.
#[derive(Debug)]
pub(super) struct Woken {
    pub(super) look: Look,
    /// Nobody reads what is shown any more.
    pub(super) is_unread: bool,
    /// The journal has something to show.
    pub(super) has_entries: bool,
}

/// What wakes; nothing but the clock, where the kernel gives no more of it.
#[derive(Debug)]
pub(super) struct Watch(Option<Inotify>);

impl Watch {
    pub(super) fn begin() -> Self {
        Self(Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok())
    }

    /// Watches an open file.
    pub(super) fn file(&mut self, file: impl AsFd) -> Option<WatchDescriptor> {
        // By its descriptor: its name may mean another by now.
        let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
        let added = self.0.as_ref()?.add_watch(&*path, OF_FILES);
        self.kept(added)
    }

    pub(super) fn forget(&self, watched: Option<WatchDescriptor>) {
        if let (Some(inotify), Some(watched)) = (&self.0, watched) {
            // It is gone already where the file is.
            let _ = inotify.rm_watch(watched);
        }
    }

    /// Watches the folders through which a log's name comes to mean a file, also those through which a link has led.
    pub(super) fn way(&mut self, path: &Path) {
        self.folders_of(path);
        let real = path.canonicalize().ok();
        if let Some(real) = real.filter(|real| real.parent() != path.parent()) {
            self.folders_of(&real);
        }
    }

    /// From the root directory down to where nothing is yet: what is made there from now on is told by the folder above it.
    fn folders_of(&mut self, path: &Path) {
        let mut folders: Vec<_> = path.ancestors().skip(1).collect();
        while let (Some(folder), Some(inotify)) = (folders.pop(), &self.0) {
            match inotify.add_watch(folder, OF_FOLDERS) {
                Err(Errno::ENOENT | Errno::ENOTDIR) => return,
                // One that may not be read is rarely moved.
                Err(Errno::EACCES) if !folders.is_empty() => {}
                added => drop(self.kept(added)),
            }
        }
    }

    /// What cannot all be watched is looked at by the clock: no more watches or memory, or a folder that may not be read.
    fn kept(&mut self, added: nix::Result<WatchDescriptor>) -> Option<WatchDescriptor> {
        if added.is_err() {
            self.0 = None;
        }
        added.ok()
    }

    /// Waits until there is something to look at.
    pub(super) fn wait(&self, output: Option<BorrowedFd<'_>>, journal: Option<BorrowedFd<'_>>) -> Woken {
        let changes = self.0.as_ref().map(AsFd::as_fd);
        let asked = [(output, PollFlags::empty()), (journal, PollFlags::POLLIN), (changes, PollFlags::POLLIN)];
        let mut fds: Vec<_> = asked.iter().filter_map(|(fd, events)| Some(PollFd::new((*fd)?, *events))).collect();
        let pause =
            if self.0.is_some() { PollTimeout::NONE } else { PollTimeout::try_from(PAUSE).unwrap_or(PollTimeout::MAX) };
        if again(|| poll(&mut fds, pause)).is_err() {
            // No memory: it will be there again.
            thread::sleep(PAUSE);
        }
        let mut answers = fds.iter().map(|fd| fd.any().unwrap_or(false));
        let mut answer = |asked: Option<BorrowedFd<'_>>| asked.is_some() && answers.next().unwrap_or(false);
        Woken { is_unread: answer(output), has_entries: answer(journal), look: self.look() }
    }

    /// What the changes that have come are about.
    fn look(&self) -> Look {
        let Some(inotify) = &self.0 else { return Look::AtNames };
        let mut look = Look::AtContents;
        while let Ok(events) = again(|| inotify.read_events()) {
            if events.iter().any(|event| event.mask != AddWatchFlags::IN_MODIFY) {
                look = Look::AtNames;
            }
        }
        look
    }
}
