//! The stages on the way to a daemon, in their order.

use std::fs::File;
use std::io;
use std::os::fd::RawFd;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::fchdir;

use super::pidfile::PidFile;
use crate::error::Error;
use crate::spec::plan::Plan;
use crate::spec::setting::CloseFds;
use crate::sys::{descriptor, disposition};

/// A stage. The order is the order in which they run, and why it is so:
///
/// 1. `Detach`: a new session, and a process that does not lead it, so that no terminal can become its own. First,
///    because all that follows should be true of the daemon and of nobody else.
/// 2. `CoreDumps`: off before there is anything in memory that should not be on disk.
/// 3. `Umask`: before any file is made.
/// 4. `WorkDir`: after all relative paths were made absolute, which the launcher has done.
/// 5. `PidFile`: sealed as late as the number is final, and before the worker can ask for it.
/// 6. `Signals`: their dispositions. They stay blocked until the watcher is there to hear them, so that none ends a half-made
///    daemon without a word.
/// 7. `Descriptors`: after everything that needed one.
/// 8. `Streams`: last, because until here an error could still be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    SessionLeader,
    Detach,
    CoreDumps,
    Umask,
    WorkDir,
    PidFile,
    Signals,
    Descriptors,
    Streams,
}

/// Each with its word on the start-up channel.
const WORDS: [(Stage, &str); 9] = [
    (Stage::SessionLeader, "session leader"),
    (Stage::Detach, "detach"),
    (Stage::CoreDumps, "core_dumps"),
    (Stage::Umask, "umask"),
    (Stage::WorkDir, "workdir"),
    (Stage::PidFile, "pidfile"),
    (Stage::Signals, "signals"),
    (Stage::Descriptors, "descriptors"),
    (Stage::Streams, "streams"),
];

impl Stage {
    pub(crate) fn word(self) -> &'static str {
        WORDS.iter().find(|(stage, _)| *stage == self).map_or("", |(_, word)| word)
    }

    pub(crate) fn of_word(text: &str) -> Option<Self> {
        WORDS.iter().find(|(_, word)| *word == text).map(|(stage, _)| *stage)
    }

    /// The error of this stage, as the launcher tells it.
    pub(crate) fn error(self, plan: &Plan, source: io::Error) -> Error {
        match self {
            Self::SessionLeader => Error::Detach { step: "making the session leader", source },
            Self::Detach => Error::Detach { step: "detaching", source },
            Self::CoreDumps => Error::CoreDumps { source },
            Self::Umask | Self::WorkDir => Error::WorkDir { path: plan.workdir.clone(), source },
            Self::PidFile => Error::PidFile { path: plan.pidfile.clone(), source },
            Self::Signals => Error::Signals { source },
            Self::Descriptors => Error::Descriptors { source },
            Self::Streams => Error::Stream { stream: "the standard streams", path: plan.stdout.clone(), source },
        }
    }
}

/// Which process goes through the stages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    /// The daemon, in a session of its own.
    Daemon { session: i32 },
    /// The process that was run, in whatever session it stands.
    Foreground,
}

impl Role {
    /// The session that nobody else has a part in; 0 where there is none.
    fn session(self) -> i32 {
        match self {
            Self::Daemon { session } => session,
            Self::Foreground => 0,
        }
    }

    /// A process in the foreground that was started under nohup(1) is meant to ignore the hang-up.
    fn may_ignore(self) -> &'static [i32] {
        match self {
            Self::Daemon { .. } => &[],
            Self::Foreground => &[nix::libc::SIGHUP],
        }
    }
}

/// A stage that failed.
pub(crate) type Failure = (Stage, io::Error);

/// What the launcher has opened for the stages.
#[derive(Debug)]
pub(crate) struct Prepared {
    workdir: File,
}

impl Prepared {
    /// Opens what can be opened early, so that it is refused early.
    pub(crate) fn open(plan: &Plan) -> Result<Self, Error> {
        let workdir = open_folder(&plan.workdir);
        let workdir = workdir.map_err(|source| Error::WorkDir { path: plan.workdir.clone(), source })?;
        Ok(Self { workdir })
    }

    /// The stages that a foreground process goes through as well, in their order up to `Descriptors`.
    pub(crate) fn run(self, plan: &Plan, pidfile: &PidFile, role: Role, keep: &[RawFd]) -> Result<(), Failure> {
        let at = |stage| move |source| (stage, source);
        if !plan.core_dumps {
            core_dumps_off().map_err(at(Stage::CoreDumps))?;
        }
        umask(Mode::from_bits_truncate(plan.umask));
        fchdir(&self.workdir).map_err(|e| (Stage::WorkDir, e.into()))?;
        pidfile.seal(role.session()).map_err(at(Stage::PidFile))?;
        disposition::reset_ignored(role.may_ignore()).map_err(at(Stage::Signals))?;
        drop(self.workdir);
        close(plan.close_fds, keep).map_err(at(Stage::Descriptors))
    }
}

fn open_folder(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(File::from(open(path, flags, Mode::empty())?))
}

// Both limits: a program that the daemon runs cannot raise the soft one again.
fn core_dumps_off() -> io::Result<()> {
    Ok(setrlimit(Resource::RLIMIT_CORE, 0, 0)?)
}

fn close(which: CloseFds, keep: &[RawFd]) -> io::Result<()> {
    let is_leaked = |fd: &RawFd| match which {
        CloseFds::None => false,
        CloseFds::Inherited => !descriptor::is_close_on_exec(*fd),
        CloseFds::All => !keep.contains(fd),
    };
    if which != CloseFds::None {
        descriptor::open()?.into_iter().filter(is_leaked).for_each(descriptor::close);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_a_word_of_its_own() {
        for (stage, word) in WORDS {
            assert_eq!((Stage::of_word(word), stage.word()), (Some(stage), word));
        }
    }
}
