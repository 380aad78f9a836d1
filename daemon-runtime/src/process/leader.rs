//! The session leader: it makes the session, forks the daemon, stays until the launcher has its answer, and goes.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{get_child_subreaper, set_child_subreaper};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, setsid};

use super::daemon::{self, Arrived, Kit};
use super::stages::{Environment, Failure};
use super::startup::{DaemonEnd, Word};
use super::streams;
use crate::spec::Spec;
use crate::spec::plan::Plan;
use crate::spec::stage::Stage;
use crate::sys::fork::{Side, fork};
use crate::sys::pidfd::PidFd;
use crate::sys::{descriptor, disposition, exit};

/// The life of the session leader, from the first fork to its end; in the daemon that it forks this returns.
pub(super) fn live(spec: &Spec, plan: &Plan, kit: Kit, channel: DaemonEnd) -> Arrived {
    match detach() {
        Ok(Side::Child) => daemon::arrive(spec, plan, kit, channel, Environment::Launchers),
        Ok(Side::Parent(pid)) => stay(kit, channel, pid, Image::Forked),
        Err(source) => fail(&channel, Failure::Stage(Stage::Detach, source)),
    }
}

fn detach() -> io::Result<Side> {
    setsid()?;
    // Until there was a new session, a hang-up of the launcher's terminal could reach us. It is blocked still, and was not
    // meant for the daemon.
    disposition::forget_pending(Signal::SIGHUP)?;
    adopt_orphans();
    Ok(fork()?)
}

/// To be called before there is a daemon: whoever of its descendants loses his parent becomes a child of this process, so that
/// this process knows at any time whether there are any. Should it fail, nothing is known.
pub(super) fn adopt_orphans() {
    let _ = set_child_subreaper(true);
}

/// How the session leader was made: what it may close depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Image {
    /// By fork(2), of a process with one thread: nobody else is here.
    Forked,
    /// It is the program begun anew, and `main` may have begun threads, which have descriptors of their own.
    Anew,
}

/// The daemon is there, and this process is its parent: hands it over to the launcher, and stays as long as it is needed.
pub(super) fn stay(kit: Kit, channel: DaemonEnd, daemon: Pid, image: Image) -> ! {
    let handle = match PidFd::open(daemon.as_raw()) {
        Ok(handle) => handle,
        Err(source) => {
            // It is our child, and nobody has waited for it: the number can mean nobody else.
            let _ = nix::sys::signal::kill(daemon, Signal::SIGKILL);
            let _ = waitpid(daemon, None);
            fail(&channel, Failure::SessionLeader(source))
        }
    };
    channel.introduce(daemon.as_raw(), &handle);
    // The launcher's pipes must close when the launcher goes, and the claim is the daemon's.
    match image {
        Image::Forked => {
            // By their numbers: no destructor runs here any more, because each page that one wrote to would be copied first,
            // for a process that is about to end.
            let kit = ManuallyDrop::new(kit);
            let pipes = kit.streams.drains();
            let [out, err] = pipes.map(|pipe| pipe.map_or(-1, |pipe| pipe.as_raw_fd()));
            descriptor::close_all_but([handle.as_fd().as_raw_fd(), channel.as_fd().as_raw_fd(), out, err]);
            wait(daemon, &handle, channel, pipes)
        }
        Image::Anew => {
            streams::discard();
            let drains = kit.streams.into_drains();
            drop((kit.pidfile, kit.prepared, kit.manager));
            wait(daemon, &handle, channel, drains.each_ref().map(|pipe| pipe.as_ref().map(AsFd::as_fd)))
        }
    }
}

/// Waits until the launcher has its answer, or the daemon has ended.
fn wait(daemon: Pid, handle: &PidFd, channel: DaemonEnd, pipes: [Option<BorrowedFd<'_>>; 2]) -> ! {
    if daemon_ends_first(daemon, handle, &channel) {
        let status = wait_status(daemon);
        channel.say(&if is_alone() { Word::EndedAlone { status } } else { Word::Ended { status } });
    }
    // The launcher waits for the end of the channel, and then for this process: where nothing else is left to do, both come
    // at once.
    if pipes.iter().any(Option::is_some) {
        drop(channel);
        read_empty(pipes);
    }
    exit::at_once(0)
}

pub(super) fn fail(channel: &DaemonEnd, failure: Failure) -> ! {
    channel.say(&Word::Undone(failure));
    exit::at_once(1)
}

/// Waits for the end of the daemon or of the launcher's interest; true if it is the daemon's.
fn daemon_ends_first(daemon: Pid, handle: &PidFd, channel: &DaemonEnd) -> bool {
    loop {
        let ended = PollFd::new(handle.as_fd(), PollFlags::POLLIN);
        // Not for the launcher's words, which are the daemon's to read, but for the end of them.
        let launcher = PollFd::new(channel.as_fd(), PollFlags::from_bits_retain(nix::libc::POLLRDHUP));
        let mut fds = [ended, launcher];
        match poll(&mut fds, PollTimeout::from(ROUND)) {
            Ok(0) => reap_orphans(daemon),
            Ok(_) if fds[0].any() == Some(true) => return true,
            // nix does not know this event's bit, and says `None` when it comes.
            Ok(_) if fds[1].any() != Some(false) => return false,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    }
}

/// How often the orphans are looked after while a start lasts, in milliseconds.
const ROUND: u8 = 50;

/// What the daemon's orphans leave must not stay: who waits until one of them is gone would wait for ever. Only children of
/// this thread are waited for: those of a program's other threads are theirs.
fn reap_orphans(daemon: Pid) {
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::__WNOTHREAD;
    while let Ok(status) = waitid(Id::All, ended | WaitPidFlag::WNOWAIT) {
        // The daemon's own end is told, and waited for elsewhere.
        let Some(orphan) = status.pid().filter(|pid| *pid != daemon) else { return };
        let _ = waitid(Id::Pid(orphan), ended);
    }
}

/// The wait status as waitpid(2) writes it.
fn wait_status(daemon: Pid) -> i32 {
    match waitpid(daemon, Some(WaitPidFlag::empty())) {
        Ok(WaitStatus::Exited(_, code)) => code << 8,
        Ok(WaitStatus::Signaled(_, signal, _)) => signal as i32,
        _ => 0xff << 8,
    }
}

/// Whether nobody is left who descends from the daemon, which has ended: prctl(2), `PR_SET_CHILD_SUBREAPER`. Those of the
/// session all do, because a process comes into a session only by its parent; but whom the worker forked into another pid
/// namespace, and left, was adopted there.
fn is_alone() -> bool {
    get_child_subreaper() == Ok(true)
        && loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
                Err(Errno::ECHILD) => break true,
                Err(Errno::EINTR) => {}
                Ok(WaitStatus::StillAlive) | Err(_) => break false,
                // One that had ended before.
                Ok(_) => {}
            }
        }
}

/// A child that the worker started before it was ready may have a pipe as its stderr for as long as it lives. It must
/// neither block on a full pipe nor die of a closed one, so somebody reads on; as an orphan, so that nobody waits for it.
fn read_empty(pipes: [Option<BorrowedFd<'_>>; 2]) {
    let mut open: Vec<_> = pipes.into_iter().flatten().collect();
    if open.iter().copied().all(ends_soon) || !orphaned() {
        return;
    }
    // Alone from here on: no part of the daemon's session, and with nothing open that anybody could wait for.
    let _ = setsid();
    let _ = nix::unistd::chdir("/");
    descriptor::close_all_but(pipes.map(|pipe| pipe.map_or(-1, |pipe| pipe.as_raw_fd())));
    while !open.is_empty() {
        let mut fds: Vec<_> = open.iter().map(|pipe| PollFd::new(*pipe, PollFlags::POLLIN)).collect();
        if !matches!(poll(&mut fds, PollTimeout::NONE), Ok(_) | Err(Errno::EINTR)) {
            return;
        }
        let is_readable: Vec<bool> = fds.iter().map(|fd| fd.any() == Some(true)).collect();
        let mut readable = is_readable.into_iter();
        open.retain(|pipe| !readable.next().unwrap_or(false) || reads_on(*pipe));
    }
}

/// Throws away what is there; false at the end of it.
fn reads_on(pipe: BorrowedFd<'_>) -> bool {
    let mut bytes = [0_u8; 4096];
    matches!(nix::unistd::read(pipe, &mut bytes), Ok(1..) | Err(Errno::EINTR))
}

/// Whether nobody can write to it any more, now or in a moment: the daemon itself is about to let go of it.
fn ends_soon(pipe: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(pipe, PollFlags::empty())];
    poll(&mut fds, PollTimeout::from(100_u8)).is_ok()
        && fds[0].revents().is_some_and(|r| r.contains(PollFlags::POLLHUP))
}

fn orphaned() -> bool {
    matches!(fork(), Ok(Side::Child))
}
