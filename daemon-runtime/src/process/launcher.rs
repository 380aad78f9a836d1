//! The launcher: what the user ran. It refuses what can be refused early, forks, and stays until it knows how the start
//! came out.

use std::io::{self, Write};
use std::mem;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use super::daemon::Kit;
use super::pidfile::{Acquired, PidFile};
use super::stages::Prepared;
use super::startup::{DaemonEnd, LauncherEnd, channel};
use super::streams::{Capture, Streams};
use super::verdict::{Begun, Launched, Watch};
use super::{Observer, leader};
use crate::error::Error;
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::sys::disposition::{ChildrenStay, Mask, is_ignored};
use crate::sys::fork::{Side, SingleThreaded, fork};

/// Refuses what a start in the background would refuse, before the daemon that runs is stopped for it.
pub(crate) fn check(plan: &Plan) -> Result<(), Error> {
    SingleThreaded::prove().map_err(|count| Error::Threads { count })?;
    Prepared::open(plan)?;
    Streams::open(plan)?;
    Ok(())
}

/// Starts the daemon in the background.
pub(crate) fn launch(spec: &Spec, plan: &Plan, observer: &mut dyn Observer) -> Result<Launched, Error> {
    let single = SingleThreaded::prove().map_err(|count| Error::Threads { count })?;
    let pidfile = match PidFile::acquire(&plan.pidfile, plan.start_timeout)? {
        Acquired::Mine(pidfile) => pidfile,
        Acquired::Running(daemon) => return Ok(Launched::AlreadyRunning(daemon)),
    };
    observer.begins();
    match Tools::make(plan).and_then(|tools| Ok((fork_quietly(single)?, tools))) {
        Ok((Side::Parent(leader), tools)) => Watch::of(plan, tools.of_launcher(leader, pidfile)).conclude(observer),
        Ok((Side::Child, tools)) => {
            let (kit, channel) = tools.of_children(pidfile);
            leader::live(spec, plan, kit, channel, single)
        }
        Err(error) => {
            pidfile.release();
            Err(error)
        }
    }
}

/// What launcher and children need, made before the fork.
struct Tools {
    prepared: Prepared,
    streams: Streams,
    capture: Capture,
    launcher_end: LauncherEnd,
    daemon_end: DaemonEnd,
    interrupts: SignalFd,
    mask: Mask,
    children: ChildrenStay,
}

impl Tools {
    fn make(plan: &Plan) -> Result<Self, Error> {
        let prepared = Prepared::open(plan)?;
        let (streams, capture) = Streams::open(plan)?;
        let (launcher_end, daemon_end) = channel().map_err(|source| Error::Channel { source })?;
        let children = ChildrenStay::begin().map_err(|source| Error::Signals { source })?;
        let (mask, interrupts) = interrupts().map_err(|source| Error::Signals { source })?;
        Ok(Self { prepared, streams, capture, launcher_end, daemon_end, interrupts, mask, children })
    }

    // The rest is dropped: pipes and channel must close when the children close them.
    fn of_launcher(self, leader: Pid, pidfile: PidFile) -> Begun {
        Begun {
            channel: self.launcher_end,
            leader,
            capture: self.capture,
            interrupts: self.interrupts,
            pidfile,
            _mask: self.mask,
            _children: self.children,
        }
    }

    // The rest is dropped: what is the launcher's own must not live on in the children. Its mask is not theirs to restore.
    fn of_children(self, pidfile: PidFile) -> (Kit, DaemonEnd) {
        mem::forget(self.mask);
        let kit = Kit { pidfile, prepared: self.prepared, streams: self.streams, children: self.children };
        (kit, self.daemon_end)
    }
}

/// Forks with all signals blocked: nothing may end the child before it has left the launcher's session and terminal. The
/// daemon's signals are unblocked when all is set up.
fn fork_quietly(single: SingleThreaded) -> Result<Side, Error> {
    flush();
    let mask = Mask::block(&SigSet::all()).map_err(|source| Error::Signals { source })?;
    let side = fork(single).map_err(|source| Error::Detach { step: "fork", source })?;
    if matches!(side, Side::Child) {
        mem::forget(mask);
    }
    Ok(side)
}

/// Takes SIGINT and SIGTERM out of their way, unless they are ignored, so that an interrupted start leaves nothing behind.
fn interrupts() -> io::Result<(Mask, SignalFd)> {
    let wanted: SigSet =
        [Signal::SIGINT, Signal::SIGTERM].into_iter().filter(|signal| !is_ignored(*signal as i32)).collect();
    let mask = Mask::block(&wanted)?;
    let interrupts = SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    Ok((mask, interrupts))
}

/// What stands in the buffers would come out twice, once in each process.
fn flush() {
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
}
