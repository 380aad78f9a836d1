//! The launcher: what the user ran. It refuses what can be refused early, forks, and stays until it knows how the start
//! came out.

use std::mem;
use std::thread;

use nix::sys::signal::SigSet;
use nix::unistd::Pid;

use super::anew::{self, Handed};
use super::daemon::Kit;
use super::interrupts::Interrupts;
use super::origin::Origin;
use super::stages::{self, Prepared};
use super::startup::{DaemonEnd, LauncherEnd, channel};
use super::streams::{self, Captures, Listen, Streams};
use super::verdict::{Begun, Launched, Watch};
use super::{Observer, claim, leader, mishap};
use crate::error::Error;
use crate::manager::Manager;
use crate::pidfile::record::Opened;
use crate::pidfile::{Acquired, Claimed, PAUSE};
use crate::spec::Spec;
use crate::spec::hook::When;
use crate::spec::plan::Plan;
use crate::spec::setting::Detach;
use crate::spec::stage::Stage;
use crate::sys::disposition::{ChildrenStay, Mask};
use crate::sys::fork::{Side, Threads, Unforked, fork, refuse_threads};
use crate::sys::pidfd::PidFd;

/// Refuses what a start in the background would refuse, before the daemon that runs is stopped for it.
pub(crate) fn check(plan: &Plan) -> Result<(), Error> {
    if plan.detach != Detach::Exec {
        refuse_threads().map_err(refused)?;
    }
    check_handles()?;
    let prepared = Prepared::open(plan)?;
    Streams::open(plan, prepared.owner(), Listen::ToErrors)?;
    Ok(())
}

/// Starts the daemon in the background. Returns in the launcher with how it came out, and in the daemon.
pub(crate) fn launch(spec: &Spec, plan: &Plan, listen: Listen, observer: &mut dyn Observer) -> Result<Launched, Error> {
    let way = Way::of(plan)?;
    streams::ensure_standard();
    check_handles()?;
    let prepared = Prepared::open(plan)?;
    let manager = Manager::here(&plan.preserve_fds, mishap::report)?;
    // Before the claim: an interrupt must not leave its names behind.
    let interrupts = way.interrupts()?;
    let mut pause = || {
        if let Ok(Some((signal, _))) = interrupts.next() {
            return Err(Error::InterruptedEarly { signal });
        }
        thread::sleep(PAUSE);
        Ok(())
    };
    let pidfile = match claim(spec, plan, &prepared, &mut pause)? {
        Acquired::Mine(pidfile) => pidfile,
        Acquired::Running(daemon) => return Ok(Launched::AlreadyRunning(daemon)),
    };
    observer.begins();
    let tools = Tools::make(plan, prepared, listen);
    let ready = tools.and_then(|tools| match stages::hooks(spec, When::Before, Stage::Detach) {
        Ok(()) => Ok(tools),
        Err(failure) => Err(failure.told(plan)),
    });
    let begun = ready.and_then(|tools| match way {
        Way::Fork => fork_quietly().map(|place| (place, tools)),
        Way::Anew => {
            tools.begin_anew(plan, &pidfile, manager.as_ref()).map(|(leader, tools)| (Place::Launcher(leader), tools))
        }
    });
    match begun {
        Ok((Place::Launcher(leader), tools)) => {
            observer.forked();
            let launched = Watch::of(plan, tools.of_launcher(leader, pidfile, interrupts)).conclude(observer)?;
            if let (Launched::Ready { pid, .. }, Some(manager)) = (&launched, manager) {
                // From this process, which is the one that the manager knows; and when the session leader is gone, because a manager
                // does not wait for the end of a process that is another's child.
                manager.ready_as(*pid, said_by(plan, *pid).as_deref());
            }
            Ok(launched)
        }
        Ok((Place::Leader, tools)) => {
            interrupts.stay();
            let (kit, channel) = tools.of_children(pidfile, manager);
            Ok(Launched::Daemon(Box::new(leader::live(spec, plan, kit, channel))))
        }
        Err(error) => {
            pidfile.release();
            Err(error)
        }
    }
}

/// The launcher ends a daemon that must not stay, and the next `stop` the one that may: neither could without handles.
fn check_handles() -> Result<(), Error> {
    PidFd::check().map_err(|(call, source)| Error::Handle { call, source })
}

fn refused(Threads { count }: Threads) -> Error {
    Error::Threads { count }
}

/// What the daemon says that it is doing, as `status` tells it.
fn said_by(plan: &Plan, pid: i32) -> Option<String> {
    let record = Opened::find(&plan.pidfile, pid).ok()??.read().ok()??;
    (!record.status.is_empty()).then(|| record.status.shown())
}

/// How the processes of the daemon are made.
#[derive(Debug, Clone, Copy)]
enum Way {
    Fork,
    /// The program is started anew, which a process with threads can do too.
    Anew,
}

/// Where one is once the session leader is there.
enum Place {
    Launcher(Pid),
    /// In the session leader, which forks again.
    Leader,
}

impl Way {
    fn of(plan: &Plan) -> Result<Self, Error> {
        match plan.detach {
            Detach::Exec if anew::is_astray() => Err(Error::Astray),
            Detach::Exec => Ok(Self::Anew),
            _ => refuse_threads().map(|()| Self::Fork).map_err(refused),
        }
    }

    /// Takes the interrupts out of their way.
    fn interrupts(self) -> Result<Interrupts, Error> {
        let taken = match self {
            Self::Fork => Interrupts::block(),
            Self::Anew => Interrupts::catch(),
        };
        taken.map_err(|source| Error::Signals { source })
    }
}

/// What launcher and children need, made before the fork.
struct Tools {
    prepared: Prepared,
    streams: Streams,
    captures: Captures,
    launcher_end: LauncherEnd,
    daemon_end: DaemonEnd,
    origin: Origin,
    children: ChildrenStay,
}

impl Tools {
    fn make(plan: &Plan, prepared: Prepared, listen: Listen) -> Result<Self, Error> {
        let (streams, captures) = Streams::open(plan, prepared.owner(), listen)?;
        let (launcher_end, daemon_end) = channel().map_err(|source| Error::Channel { source })?;
        let children = ChildrenStay::begin().map_err(|source| Error::Signals { source })?;
        let origin = Origin::here();
        Ok(Self { prepared, streams, captures, launcher_end, daemon_end, origin, children })
    }

    // The rest is dropped: pipes and channel must close when the children close them.
    fn of_launcher(self, leader: Pid, pidfile: Claimed, interrupts: Interrupts) -> Begun {
        Begun {
            channel: self.launcher_end,
            leader,
            captures: self.captures,
            interrupts,
            pidfile,
            _children: self.children,
        }
    }

    // The rest is dropped: what is the launcher's own must not live on in the children.
    fn of_children(self, pidfile: Claimed, manager: Option<Manager>) -> (Kit, DaemonEnd) {
        let Self { prepared, streams, origin, children, .. } = self;
        (Kit { pidfile, prepared, streams, origin, children, manager }, self.daemon_end)
    }

    /// Begins the session leader, which is another image of this program.
    fn begin_anew(mut self, plan: &Plan, pidfile: &Claimed, manager: Option<&Manager>) -> Result<(Pid, Self), Error> {
        streams::flush();
        self.streams.keep_terminal().map_err(|source| Error::Channel { source })?;
        let (origin, channel) = (&self.origin, &self.daemon_end);
        let handed = Handed { origin, pidfile, streams: &self.streams, channel, manager };
        let leader = anew::spawn_leader(plan, &handed)?;
        Ok((leader, self))
    }
}

/// Forks with all signals blocked: nothing may end the child before it has left the launcher's session and terminal. The
/// daemon's signals are unblocked when all is set up.
fn fork_quietly() -> Result<Place, Error> {
    // Asked before the flush as well: a thread that a hook has begun may hold the lock on stdout for ever.
    refuse_threads().map_err(refused)?;
    streams::flush();
    let mask = Mask::block(&SigSet::all()).map_err(|source| Error::Signals { source })?;
    match fork() {
        Ok(Side::Parent(leader)) => Ok(Place::Launcher(leader)),
        Ok(Side::Child) => {
            mem::forget(mask);
            Ok(Place::Leader)
        }
        Err(Unforked::Threads(threads)) => Err(refused(threads)),
        Err(Unforked::Failed(source)) => Err(Error::Detach { step: "fork", source }),
    }
}
