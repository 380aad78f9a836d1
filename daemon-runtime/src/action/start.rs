//! `start`: the daemon is ready when this says so.

use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{UnixAddr, getpeername, getsockname, getsockopt, sockopt};

use super::StartOptions;
use crate::error::Error;
use crate::pidfile::{Life, PidFile, Running, look};
use crate::process::Observer;
use crate::process::anew::received;
use crate::process::daemon::{self, Arrived};
use crate::process::foreground::{self, Lived};
use crate::process::launcher;
use crate::process::privileges::user_of;
use crate::process::stages::Role;
use crate::process::streams::Listen;
use crate::process::verdict::Launched;
use crate::spec::plan::Plan;
use crate::spec::setting::Detach;
use crate::spec::{Job, Spec};

/// How a start came out, if it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// The daemon is ready.
    Ready {
        /// Its pid.
        pid: i32,
    },
    /// The worker has ended well already.
    Ended,
    /// It was running already; nothing was done.
    AlreadyRunning {
        /// Its pid.
        pid: i32,
    },
    /// It did not detach: its whole life is over.
    Ran {
        /// The worker's exit code.
        code: u8,
        /// Whether it had been ready.
        ready: bool,
    },
}

pub(crate) fn start(spec: &Spec, options: &StartOptions, observer: &mut dyn Observer) -> Result<Start, Error> {
    if let Some(arrived) = received(spec)? {
        return go_on(spec, &arrived);
    }
    let plan = plan(spec, options)?;
    if let Some(daemon) = running(spec, &plan)? {
        return Ok(Start::AlreadyRunning { pid: daemon.pid });
    }
    on_start(spec)?;
    go(spec, &plan, options, observer)
}

/// The plan of a start, for a daemon that has something to do.
pub(super) fn plan(spec: &Spec, options: &StartOptions) -> Result<Plan, Error> {
    match &*spec.job.borrow() {
        Job::Here => Err(Error::NoWorker),
        _ => Ok(Plan::of(spec)?.waiting(options.timeout, None)),
    }
}

/// The daemon that this image of the program was begun to be; its `on_start` was called in the launcher.
pub(super) fn go_on(spec: &Spec, arrived: &Arrived) -> Result<Start, Error> {
    match arrived.role {
        Role::Daemon { .. } => daemon::live(spec, arrived),
        Role::Foreground => foreground::work_on(spec, arrived).map(Start::from),
    }
}

/// The start itself, once nobody has refused it.
pub(super) fn go(
    spec: &Spec,
    plan: &Plan,
    options: &StartOptions,
    observer: &mut dyn Observer,
) -> Result<Start, Error> {
    if detaches(plan, options) {
        return match launcher::launch(spec, plan, Listen::ToErrors, observer)? {
            Launched::Ready { pid, .. } => Ok(Start::Ready { pid }),
            Launched::Ended { .. } => Ok(Start::Ended),
            Launched::AlreadyRunning(daemon) => Ok(Start::AlreadyRunning { pid: daemon.pid }),
            Launched::Daemon(arrived) => daemon::live(spec, &arrived),
        };
    }
    foreground::live(spec, plan, observer.in_foreground()).map(Start::from)
}

/// Refuses what can be refused before anything is done, `on_start` included; the plan of a start that nobody refuses.
pub(super) fn check(spec: &Spec, options: &StartOptions) -> Result<Plan, Error> {
    let plan = plan(spec, options)?;
    on_start(spec)?;
    if detaches(&plan, options) {
        launcher::check(&plan)?;
    }
    Ok(plan)
}

/// The daemon, if it runs and its start is over. A start that is still going on is waited for where the claim is taken, and
/// so is a daemon that is to be waited for.
pub(super) fn running(spec: &Spec, plan: &Plan) -> Result<Option<Running>, Error> {
    if !plan.pidfile_timeout.is_zero() || spec.claim.borrow().as_ref().is_some_and(PidFile::is_mine) {
        return Ok(None);
    }
    match look(&plan.pidfile, user_of(plan))? {
        // What is not to be trusted is refused where the claim is taken, with its reason.
        Life::Running(daemon) if !daemon.is_starting() && daemon.distrust().is_none() => Ok(Some(daemon)),
        _ => Ok(None),
    }
}

pub(super) fn on_start(spec: &Spec) -> Result<(), Error> {
    match &spec.on_start {
        Some(hook) => hook().map_err(|text| Error::OnStart { text }),
        None => Ok(()),
    }
}

pub(super) fn detaches(plan: &Plan, options: &StartOptions) -> bool {
    match plan.detach {
        _ if options.foreground => false,
        Detach::Always => true,
        Detach::Never => false,
        Detach::Auto | Detach::Exec => !is_managed(),
    }
}

/// Whether somebody looks after this very process, and would take its end for the daemon's: a container or init(1) does,
/// where we are PID 1; systemd, where it wants to be notified; a super-server, where stdin is its socket. That the parent is
/// PID 1 is no reason: under systemd's Type=forking it is.
fn is_managed() -> bool {
    let is_served = || is_super_servers(&std::io::stdin());
    std::process::id() == 1 || std::env::var_os("NOTIFY_SOCKET").is_some() || is_served()
}

/// Whether it is a socket that a guest came to, or will. Two sockets of which neither has a name are none: nobody can have come to
/// them, they were made as a pair, socketpair(2), as Node.js makes its pipes to those it begins.
fn is_super_servers(stdin: &impl AsFd) -> bool {
    let is_nameless = |address: UnixAddr| address.path().is_none() && address.as_abstract().is_none();
    let number = stdin.as_fd().as_raw_fd();
    let is_of_pair = || {
        // Of another family it is no error, but no such address either.
        getsockname(number).is_ok_and(is_nameless) && getpeername(number).is_ok_and(is_nameless)
    };
    getsockopt(stdin, sockopt::SockType).is_ok() && !is_of_pair()
}

impl From<Lived> for Start {
    fn from(lived: Lived) -> Self {
        match lived {
            Lived::Ended { outcome, ready } => Self::Ran { code: outcome.code, ready },
            Lived::AlreadyRunning(daemon) => Self::AlreadyRunning { pid: daemon.pid },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

    #[test]
    #[cfg_attr(miri, ignore = "sockets")]
    fn what_has_a_name_at_either_end_is_a_super_servers_and_a_pair_is_not() {
        let (one, other) = UnixStream::pair().expect("a pair");
        assert!(!is_super_servers(&one));
        drop(other);
        assert!(!is_super_servers(&one), "whose other end is gone");
        assert!(!is_super_servers(&UnixDatagram::pair().expect("a pair").0));
        assert!(!is_super_servers(&std::fs::File::open("/dev/null").expect("open")));
        assert!(!is_super_servers(&std::io::pipe().expect("a pipe").0));

        let path = std::env::temp_dir().join(format!("door-{}", std::process::id()));
        let address = SocketAddr::from_abstract_name(format!("door-{}", std::process::id())).expect("a name");
        for door in [UnixListener::bind(&path), UnixListener::bind_addr(&address)].map(|door| door.expect("bound")) {
            let guest = UnixStream::connect_addr(&door.local_addr().expect("its name")).expect("connected");
            let (accepted, _) = door.accept().expect("accepted");
            assert!(is_super_servers(&door) && is_super_servers(&accepted) && is_super_servers(&guest), "{door:?}");
        }
        std::fs::remove_file(&path).expect("ours");

        let door = TcpListener::bind("127.0.0.1:0").expect("bound");
        let guest = TcpStream::connect(door.local_addr().expect("its name")).expect("connected");
        let (accepted, _) = door.accept().expect("accepted");
        assert!(is_super_servers(&door) && is_super_servers(&accepted) && is_super_servers(&guest));
        assert!(is_super_servers(&UdpSocket::bind("127.0.0.1:0").expect("bound")));
    }
}
