//! The program begun anew: as session leader and daemon where it cannot be forked, and in place of itself for a reload.
//!
//! The claim, and whatever else must not be let go of, goes along as open descriptors; the next image finds out by
//! [`Handover`] what it is to be, when it comes to the same call again.

use std::cell::RefCell;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::SigSet;
use nix::unistd::{Pid, getsid};

use super::daemon::{self, Arrived, Kit};
use super::leader::Image;
use super::origin::{Origin, text, texts, with_handover};
use super::stages::{Environment, Failure, Passage, Prepared, Role};
use super::startup::DaemonEnd;
use super::streams::Streams;
use super::{end, foreground, leader, mishap, reason, relay};
use crate::error::Error;
use crate::handover::{Handover, Part, VARIABLE, is_variable, numbers};
use crate::manager::{Given, Manager, is_for_launcher};
use crate::pidfile::Claimed;
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::spec::stage::Stage;
use crate::sys::descriptor;
use crate::sys::disposition::{ChildrenStay, Mask};
use crate::sys::environ;
use crate::sys::spawn::{Session, spawn};

/// What the launcher hands to a session leader that is another image of this program.
pub(super) struct Handed<'a> {
    pub(super) origin: &'a Origin,
    pub(super) pidfile: &'a Claimed,
    pub(super) streams: &'a Streams,
    pub(super) channel: &'a DaemonEnd,
    pub(super) manager: Option<&'a Manager>,
}

impl Handed<'_> {
    fn fds(&self) -> Vec<Option<BorrowedFd<'_>>> {
        let pidfile = self.pidfile.parts().map(Some);
        pidfile.into_iter().chain([Some(self.channel.as_fd())]).chain(self.streams.parts()).collect()
    }

    fn spawn(&self, plan: &Plan, part: Part, environment: Vec<(OsString, OsString)>) -> io::Result<Pid> {
        let fds = self.fds();
        let record = self.pidfile.record().map(AsRawFd::as_raw_fd);
        let manager = self.manager.map(Manager::told).unwrap_or_default();
        let handover = self.origin.handover(part, plan, numbers(fds.iter().copied()))?;
        let handover = Handover { manager, record, ..handover };
        let of_manager = self.manager.map(Manager::fds).unwrap_or_default();
        let of_manager = of_manager.iter().map(|fd| fd.as_fd().as_raw_fd());
        let ours = fds.iter().flatten().map(AsRawFd::as_raw_fd).chain(of_manager).chain(record);
        let kept = ours.chain(plan.preserve_fds.iter().copied());
        let kept: Vec<_> = kept.filter(|fd| descriptor::is_open(*fd)).collect();
        let [stdin, stdout, ..] = self.streams.parts();
        let stderr = self.streams.early_stderr();
        let standard = [stdin.unwrap_or(stderr), stdout.unwrap_or(stderr), stderr].map(|fd| fd.as_raw_fd());
        let environment = with_handover(environment, &handover);
        let session = if part == Part::Leader { Session::New } else { Session::Same };
        spawn(
            &text(self.origin.program.as_os_str())?,
            &texts(&self.origin.words)?,
            &environment?,
            &kept,
            standard,
            session,
        )
    }
}

/// Whether this process has become what it was begun for.
static TAKEN_OVER: AtomicBool = AtomicBool::new(false);

/// Begins the session leader.
pub(super) fn spawn_leader(plan: &Plan, handed: &Handed<'_>) -> Result<Pid, Error> {
    let environment = env::vars_os().filter(|(key, _)| !is_for_launcher(key)).collect();
    let leader = handed.spawn(plan, Part::Leader, environment);
    leader.map_err(|source| Error::Anew { path: handed.origin.program.clone(), source })
}

/// Which instance this image was begun for, if it was for one.
pub(crate) fn instance() -> Option<u32> {
    Handover::to_come().and_then(|handover| handover.instance)
}

/// Finds out whether this image was begun to be session leader or daemon. In the session leader it does not return; in a
/// daemon all stages are behind it.
pub(crate) fn received(spec: &Spec) -> Result<Option<Arrived>, Error> {
    let Some(handover) = Handover::read().filter(|handover| is_for(handover, spec)) else { return Ok(None) };
    if !handover.is_live() {
        // Taken over already, or a child's; or the claim was closed on the way here, and with it the daemon that this was.
        let was_daemon = matches!(handover.part, Part::SameDaemon | Part::SameForeground);
        return if was_daemon && !TAKEN_OVER.load(Ordering::SeqCst) { Err(Error::Astray) } else { Ok(None) };
    }
    TAKEN_OVER.store(true, Ordering::SeqCst);
    let mut fds = handover.adopt().into_iter();
    let [folder, claim, file] = [(); 3].map(|()| fds.next().flatten());
    let (Some(folder), Some(claim), Some(file)) = (folder, claim, file) else { return Ok(None) };
    let record = handover.record.and_then(descriptor::adopt).map(File::from);
    let pidfile = Claimed::handed(&handover.pidfile, folder, File::from(claim), File::from(file), record);
    forget_handover();
    let (program, dir) = (handover.program.clone(), handover.dir.clone());
    let origin = Origin { program, dir, ..Origin::here() };
    let (workdir, chroot) = (handover.workdir.clone(), handover.chroot.clone());
    let plan = Plan::handed(spec, handover.pidfile.clone(), workdir, chroot, handover.logs.clone());
    let fds = fds.collect();
    match (handover.part, plan) {
        (Part::Leader | Part::Daemon, Ok(plan)) => {
            start(spec, &plan, handover.part, pidfile, origin, fds, manager_of(&handover))
        }
        (Part::Leader | Part::Daemon, Err(error)) => {
            pidfile.release();
            Err(error)
        }
        (part, plan) => {
            let role = match part {
                Part::SameForeground => Role::Foreground,
                _ => Role::Daemon { session: getsid(None).map_or(0, Pid::as_raw) },
            };
            go_on(spec, plan, pidfile, role, origin, fds, &handover).map(Some)
        }
    }
}

/// The service manager that the image before this one had, if it had one.
fn manager_of(handover: &Handover) -> Result<Option<Manager>, Error> {
    let is_there = handover.manager != Given::default();
    is_there.then(|| Manager::handed(&handover.manager, mishap::report)).transpose()
}

/// Whether this image was begun for a start, and has not come to its call: another start from here would begin yet another
/// image, which would do the same.
pub(super) fn is_astray() -> bool {
    let is_of_start = |handover: &Handover| matches!(handover.part, Part::Leader | Part::Daemon);
    Handover::to_come().as_ref().is_some_and(is_of_start)
}

fn is_for(handover: &Handover, spec: &Spec) -> bool {
    let is_same = match handover.part {
        Part::Leader | Part::Daemon => (handover.ordinal, &handover.name) == (spec.ordinal, &spec.display_name()),
        // Another version of the program may make other daemons, and name this one otherwise.
        Part::SameDaemon | Part::SameForeground => {
            let is_same_pidfile = || Plan::of(spec).is_ok_and(|plan| plan.pidfile == handover.pidfile);
            handover.name == spec.display_name() || is_same_pidfile()
        }
    };
    handover.is_for_this_process() && is_same
}

/// Session leader and daemon of a start.
fn start(
    spec: &Spec,
    plan: &Plan,
    part: Part,
    pidfile: Claimed,
    origin: Origin,
    fds: Vec<Option<OwnedFd>>,
    manager: Result<Option<Manager>, Error>,
) -> Result<Option<Arrived>, Error> {
    let mut fds = fds.into_iter();
    let Some(channel) = fds.next().flatten().map(DaemonEnd::handed) else { return Ok(None) };
    let mut next = || fds.next().flatten();
    let streams = [(); 9].map(|()| next());
    let children = ChildrenStay::begin().map_err(|source| Error::Signals { source });
    // Nothing may end a half-made daemon without a word.
    let blocked = Mask::block(&SigSet::all()).map(std::mem::forget).map_err(|source| Error::Signals { source });
    let made = blocked.and_then(|()| Ok((Prepared::open(plan)?, children?, manager?)));
    let (prepared, children, manager, streams) = match (made, Streams::handed(streams)) {
        (Ok((prepared, children, manager)), Some(streams)) => (prepared, children, manager, streams),
        // What was there in the launcher a moment ago is not any more.
        (Err(error), _) => leader::fail(&channel, Failure::SessionLeader(io::Error::other(error))),
        (_, None) => leader::fail(&channel, Failure::SessionLeader(io::ErrorKind::NotFound.into())),
    };
    let kit = Kit { pidfile, prepared, streams, origin, children, manager };
    match part {
        Part::Leader => lead(plan, kit, channel),
        _ => Ok(Some(daemon::arrive(spec, plan, kit, channel, Environment::Daemons))),
    }
}

fn lead(plan: &Plan, kit: Kit, channel: DaemonEnd) -> ! {
    let mut environment: Vec<_> = if plan.env_clear { Vec::new() } else { env::vars_os().collect() };
    environment.retain(|(key, _)| !is_variable(key));
    for (key, value) in kit.prepared.variables(plan) {
        environment.retain(|(known, _)| *known != key);
        environment.push((key, value));
    }
    let (origin, manager) = (&kit.origin, kit.manager.as_ref());
    let handed = Handed { origin, pidfile: &kit.pidfile, streams: &kit.streams, channel: &channel, manager };
    leader::adopt_orphans();
    match handed.spawn(plan, Part::Daemon, environment) {
        Ok(daemon) => leader::stay(kit, channel, daemon, Image::Anew),
        Err(source) => leader::fail(&channel, Failure::SessionLeader(source)),
    }
}

/// The daemon that this process was already, in a new image.
fn go_on(
    spec: &Spec,
    plan: Result<Plan, Error>,
    pidfile: Claimed,
    role: Role,
    origin: Origin,
    fds: Vec<Option<OwnedFd>>,
    handover: &Handover,
) -> Result<Arrived, Error> {
    let mut fds = fds.into_iter();
    let (workdir, late) = (fds.next().flatten(), fds.next().flatten());
    // First of all: until somebody reads again, who writes much would wait for ever.
    let relayed = relay::go_on([(); 6].map(|()| fds.next().flatten()), &handover.missing, |which| {
        plan.as_ref().ok().and_then(|plan| plan.syslog(which))
    });
    let relayed = relayed.map_err(|source| Failure::Stage(Stage::Streams, source));
    let gone_on = plan.and_then(|plan| {
        let manager = manager_of(handover)?.map(Arc::new);
        relayed.map_err(|failure| failure.told(&plan))?;
        let (keep, environment) = (Vec::new(), Environment::Daemons);
        let passage = Passage { spec, plan: &plan, pidfile: &pidfile, role, keep, environment };
        passage.again(workdir.as_ref()).map_err(|failure| failure.told(&plan))?;
        Ok((plan, manager))
    });
    match gone_on {
        Ok((plan, manager)) => Ok(Arrived {
            late: RefCell::new(late),
            ..foreground::alone(&plan, Arc::new(pidfile), role, origin, Arc::new(|| {}), manager)
        }),
        Err(error) => {
            // It was a daemon until now, so this is the end of one.
            let told = reason::by_error(&error.to_string());
            mishap::report(&format!("error: {error}"));
            end::arm(Arc::new(pidfile), spec.on_shutdown.clone());
            end::conclude(&told, 1);
            end::release();
            Err(error)
        }
    }
}

// Children must not be told what was told to us; where other threads run, they are, and see that it is not for them.
fn forget_handover() {
    let _ = environ::remove(OsStr::new(VARIABLE));
}
