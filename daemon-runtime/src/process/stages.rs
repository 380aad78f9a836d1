//! The stages on the way to a daemon: how each is done, and the hooks before and after it. Their order, and why it is so,
//! stands at [`Stage`].

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, chroot, fchdir};

use super::mishap;
use super::privileges::Identity;
use crate::error::Error;
use crate::event::{self, event};
use crate::folder::Owner;
use crate::pidfile::Claimed;
use crate::spec::Spec;
use crate::spec::hook::When;
use crate::spec::plan::Plan;
use crate::spec::setting::CloseFds;
use crate::spec::signal::SignalAction;
use crate::spec::stage::Stage;
use crate::sys::again::again;
use crate::sys::descriptor::{self, Closed};
use crate::sys::disposition;
use crate::sys::environ::{self, Others};
use crate::sys::fork::{Threads, refuse_threads};

/// Why the daemon did not come to be.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The session leader could not do its part.
    SessionLeader(io::Error),
    /// A stage failed.
    Stage(Stage, io::Error),
    /// The environment cannot be changed: so many threads could be reading it.
    Environment(Threads),
    /// A hook refused, or panicked.
    Hook(When, Stage, String),
}

impl Failure {
    /// As the launcher tells it.
    pub(crate) fn told(self, plan: &Plan) -> Error {
        match self {
            Self::SessionLeader(source) => Error::Detach { step: "making the daemon", source },
            Self::Environment(Threads { count }) => Error::EnvironmentShared { count },
            Self::Hook(when, stage, text) => Error::Hook { hook: format!("{when}({})", stage.word()), text },
            Self::Stage(stage, source) => of_stage(stage, plan, source),
        }
    }
}

fn of_stage(stage: Stage, plan: &Plan, source: io::Error) -> Error {
    match stage {
        Stage::Detach => Error::Detach { step: "detaching", source },
        Stage::CoreDumps => Error::CoreDumps { source },
        Stage::Chroot => Error::Chroot { path: plan.chroot.clone().unwrap_or_default(), source },
        Stage::Privileges => Error::Privileges { account: plan.account(), source },
        Stage::Umask | Stage::WorkDir => Error::WorkDir { path: plan.workdir.clone(), source },
        Stage::PidFile => Error::PidFile { path: plan.pidfile.clone(), source },
        Stage::Signals => Error::Signals { source },
        Stage::Descriptors => Error::Descriptors { source },
        Stage::Streams => Error::Stream { stream: "the standard streams", path: plan.stdout.path(), source },
    }
}

/// Which process goes through the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The daemon, in a session of its own.
    Daemon { session: i32 },
    /// The process that was run, in whatever session it stands.
    Foreground,
}

impl Role {
    /// The session that nobody else has a part in, where there is one.
    fn session(self) -> Option<i32> {
        match self {
            Self::Daemon { session } => Some(session),
            Self::Foreground => None,
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

/// What the launcher has opened and looked up for the stages.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// None where it is inside of another root.
    workdir: Option<File>,
    chroot: Option<File>,
    identity: Option<Identity>,
}

impl Prepared {
    /// Opens what can be opened early, so that it is refused early.
    pub(crate) fn open(plan: &Plan) -> Result<Self, Error> {
        let in_root = |path: &Path, source| Error::Chroot { path: path.to_owned(), source };
        let workdir = |path: &Path, source| Error::WorkDir { path: path.to_owned(), source };
        if plan.close_fds != CloseFds::None {
            descriptor::Table::open().map_err(|source| Error::Descriptors { source })?;
        }
        Ok(Self {
            identity: Identity::look_up(plan)?,
            workdir: match &plan.chroot {
                None => Some(open_folder(&plan.workdir).map_err(|e| workdir(&plan.workdir, e))?),
                Some(_) => None,
            },
            chroot: match &plan.chroot {
                Some(path) => Some(open_folder(path).map_err(|e| in_root(path, e))?),
                None => None,
            },
        })
    }

    /// Who owns what is made for the daemon.
    pub(crate) fn owner(&self) -> Owner {
        self.identity.as_ref().and_then(Identity::owner)
    }

    /// The daemon's environment, as far as it differs from ours: the variables to set, after all others were taken away
    /// if so asked.
    pub(crate) fn variables(&self, plan: &Plan) -> Vec<(OsString, OsString)> {
        let of_user = self.identity.as_ref().map(Identity::variables).unwrap_or_default();
        of_user.into_iter().chain(plan.env.iter().cloned()).collect()
    }
}

/// A process on its way through the stages.
pub(crate) struct Passage<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) plan: &'a Plan,
    pub(crate) pidfile: &'a Claimed,
    pub(crate) role: Role,
    /// The descriptors that are ours, and stay open.
    pub(crate) keep: Vec<RawFd>,
    /// Whether the environment is the daemon's already, because the program was started anew in it.
    pub(crate) environment: Environment,
}

/// What is to become of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    /// It is to be changed.
    Launchers,
    /// It was made for the daemon.
    Daemons,
}

impl Passage<'_> {
    /// Those between `Detach` and `Streams`, which a foreground process goes through as well.
    pub(crate) fn common(&self, prepared: Prepared) -> Result<(), Failure> {
        let plan = self.plan;
        event::tells_as(&plan.name);
        let seal = || self.pidfile.seal(self.role.session());
        // Asked for before anything is done that could not be undone.
        self.refuse_shared_environment(&prepared)?;
        // While there still is a /proc: the new root may have none.
        let open = descriptor::Table::open();
        self.stage(Stage::CoreDumps, || if plan.core_dumps { Ok(()) } else { core_dumps_off() })?;
        let sealed_early = prepared.owner().is_some();
        self.stage(Stage::Chroot, || prepared.chroot.as_ref().map_or(Ok(()), change_root))?;
        self.hooks(When::Before, Stage::Privileges)?;
        if sealed_early {
            // Who is about to lose the right to write in the folder puts the pidfile in its place now.
            seal().map_err(|source| Failure::Stage(Stage::PidFile, source))?;
        }
        // And again, because a hook may have begun a thread; before the right to take everything back is given up.
        self.refuse_shared_environment(&prepared)?;
        self.stage_after(Stage::Privileges, || self.step_down(&prepared))?;
        self.stage(Stage::Umask, || self.mask())?;
        self.stage(Stage::WorkDir, || match &prepared.workdir {
            Some(folder) => Ok(fchdir(folder)?),
            None => Ok(chdir(&plan.workdir)?),
        })?;
        self.stage(Stage::PidFile, || if sealed_early { Ok(()) } else { seal() })?;
        self.stage(Stage::Signals, || self.dispose())?;
        drop(prepared);
        self.stage(Stage::Descriptors, || close(plan, open, &self.keep))
    }

    /// Becomes the user, with his environment.
    fn step_down(&self, prepared: &Prepared) -> io::Result<()> {
        if prepared.owner().is_some() && prepared.chroot.is_some() {
            // A folder outside of the root is a way out of it for who has no other.
            self.pidfile.leave_folder()?;
        }
        prepared.identity.as_ref().map_or(Ok(()), Identity::assume)?;
        if !self.changes_environment(prepared) {
            return Ok(());
        }
        let others = if self.plan.env_clear { Others::Go } else { Others::Stay };
        Ok(environ::change(others, &prepared.variables(self.plan))?)
    }

    /// Those that are done again in a new image of the program, for a daemon that it was already.
    pub(crate) fn again(&self, workdir: Option<&OwnedFd>) -> Result<(), Failure> {
        event::tells_as(&self.plan.name);
        self.stage(Stage::Umask, || self.mask())?;
        // By the descriptor of where it was: the daemon's user may not be able to get there by the path.
        self.stage(Stage::WorkDir, || workdir.map_or(Ok(()), |workdir| Ok(fchdir(workdir)?)))?;
        self.stage(Stage::PidFile, || self.pidfile.witness_anew())?;
        self.stage(Stage::Signals, || self.dispose())
    }

    /// One stage, with its hooks.
    pub(crate) fn stage(&self, stage: Stage, act: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
        self.hooks(When::Before, stage)?;
        self.stage_after(stage, act)
    }

    /// One stage whose hooks before it were called.
    fn stage_after(&self, stage: Stage, act: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
        if let Err(source) = act() {
            event!(ERROR, "stage failed", stage = stage.word(), error = source.to_string());
            return Err(Failure::Stage(stage, source));
        }
        event!(DEBUG, "stage", stage = stage.word());
        self.hooks(When::After, stage)
    }

    pub(crate) fn hooks(&self, when: When, stage: Stage) -> Result<(), Failure> {
        hooks(self.spec, when, stage)
    }

    fn changes_environment(&self, prepared: &Prepared) -> bool {
        let changes = self.plan.env_clear || !prepared.variables(self.plan).is_empty();
        changes && self.environment == Environment::Launchers
    }

    fn refuse_shared_environment(&self, prepared: &Prepared) -> Result<(), Failure> {
        if self.changes_environment(prepared) { refuse_threads().map_err(Failure::Environment) } else { Ok(()) }
    }

    // umask(2) cannot fail.
    #[allow(clippy::unnecessary_wraps, reason = "it is a stage as the others are")]
    fn mask(&self) -> io::Result<()> {
        umask(Mode::from_bits_truncate(self.plan.umask));
        Ok(())
    }

    fn dispose(&self) -> io::Result<()> {
        disposition::reset_ignored(self.role.may_ignore())?;
        let ignored = self.spec.signals.iter().filter(|(_, action)| matches!(action, SignalAction::Ignore));
        ignored.into_iter().try_for_each(|(signal, _)| disposition::ignore(*signal))
    }
}

/// The hooks of one moment, in the order in which they were given.
pub(crate) fn hooks(spec: &Spec, when: When, stage: Stage) -> Result<(), Failure> {
    let wanted = spec.hooks.iter().filter(|(at, of, _)| (*at, *of) == (when, stage));
    wanted.into_iter().try_for_each(|(_, _, hook)| {
        mishap::install_panic_hook();
        let result = mishap::guarded(hook).unwrap_or_else(|panic| Err(format!("it panicked: {panic}")));
        result.map_err(|text| Failure::Hook(when, stage, text))
    })
}

fn open_folder(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(File::from(again(|| open(path, flags, Mode::empty()))?))
}

// Into it first, and then to its root: a working directory that stays outside is a way out.
fn change_root(root: &File) -> io::Result<()> {
    fchdir(root)?;
    chroot(".")?;
    Ok(chdir("/")?)
}

// Both limits: a program that the daemon runs cannot raise the soft one again.
fn core_dumps_off() -> io::Result<()> {
    Ok(setrlimit(Resource::RLIMIT_CORE, 0, 0)?)
}

fn close(plan: &Plan, open: io::Result<descriptor::Table>, keep: &[RawFd]) -> io::Result<()> {
    let closed = match plan.close_fds {
        CloseFds::None => return Ok(()),
        CloseFds::Inherited => Closed::Inherited,
        CloseFds::All => Closed::All,
    };
    open?.close(closed, |fd| keep.contains(&fd) || plan.preserve_fds.contains(&fd))
}
