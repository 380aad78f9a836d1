//! The processes of a daemon's session, as /proc tells of them.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use procfs::process::{Process, Stat};
use procfs::{ProcError, ProcResult};

use crate::error::words;
use crate::pidfile::user_of;
use crate::sys::pidfd::PidFd;

/// Whether the process has a handler for the signal; proc(5), `SigCgt`.
pub(crate) fn handles(pid: i32, signal: i32) -> ProcResult<bool> {
    let caught = asked(|| Process::new(pid)?.status())?.sigcgt;
    Ok(caught & (1 << (signal - 1)) != 0)
}

/// Why /proc does not tell of a process that there is, for a person.
pub(crate) fn why_unseen(pid: i32, error: &ProcError) -> String {
    match error {
        _ if !is_mounted() => "/proc is not mounted".to_owned(),
        ProcError::NotFound(_) | ProcError::PermissionDenied(_) => {
            format!("/proc does not show pid {pid} to this account")
        }
        ProcError::Io(source, Some(path)) => format!("cannot read {}: {}", path.display(), words(source)),
        ProcError::Io(source, None) => format!("cannot read /proc: {}", words(source)),
        other => other.to_string(),
    }
}

/// It shows this process to itself, whatever else it hides.
fn is_mounted() -> bool {
    // What cannot be told is not taken for a no: whoever asks for more is told why there is none.
    Path::new("/proc/self").try_exists().unwrap_or(true)
}

/// All processes whose session is `session`. None of them is kept open: there may be more than we may have descriptors.
pub(crate) fn members(session: i32) -> ProcResult<Vec<Stat>> {
    if !is_mounted() {
        // The folder may well be there, and empty.
        return Err(ProcError::NotFound(None));
    }
    asked(|| {
        let seen = procfs::process::all_processes()?.map(|process| process?.stat());
        let members = seen.filter_map(|seen| match seen {
            Ok(stat) => (stat.session == session).then_some(Ok(stat)),
            // It has ended since it was listed, or it is hidden from us.
            Err(ProcError::NotFound(_) | ProcError::PermissionDenied(_)) => None,
            Err(error) => Some(Err(error)),
        });
        members.collect()
    })
}

/// Asks /proc, and asks again where a signal has interrupted the question.
pub(crate) fn asked<T>(mut question: impl FnMut() -> ProcResult<T>) -> ProcResult<T> {
    loop {
        match question() {
            Err(ProcError::Io(source, _)) if source.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

/// How long those who were sent SIGKILL may take to be gone, all together.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Sends SIGKILL to all processes of a session that is known to be the daemon's own, and waits for their end: until then
/// one may still finish the call that it is in. Where it has dropped root for `user`, only to those that he could signal
/// himself: what the daemon says of its session is not believed any further.
pub(crate) fn kill(session: i32, user: Option<u32>) {
    let begun = Instant::now();
    // Twice round, because a process can fork while the list is read.
    for last_wait in [Duration::ZERO, LAST_WAIT] {
        let left = || last_wait.saturating_sub(begun.elapsed());
        match members(session) {
            Ok(members) => members.into_iter().for_each(|member| kill_member(member.pid, session, user, left())),
            // Nobody can be listed: those at least that have not left the group which the session began with. While there
            // is somebody in a session, its number means no other group.
            Err(_) if user.is_none() => {
                let _ = killpg(Pid::from_raw(session), Signal::SIGKILL);
                return;
            }
            Err(_) => return,
        }
    }
}

/// Whether the process is in this session, by the kernel's word.
pub(crate) fn is_of(pid: i32, session: i32) -> bool {
    nix::unistd::getsid(Some(Pid::from_raw(pid))).is_ok_and(|sid| sid.as_raw() == session)
}

// The handle first, then the question again: a number that has changed hands meanwhile is not signalled.
fn kill_member(pid: i32, session: i32, user: Option<u32>, last_wait: Duration) {
    let Ok(handle) = PidFd::open(pid) else { return };
    if is_of(pid, session) && pid != session && (user.is_none() || user_of(pid) == user) {
        // Another user's process in the daemon's session (a setuid program) is not ours to kill.
        let killed = handle.signal(nix::libc::SIGKILL);
        let _gone = killed.and_then(|()| handle.wait(last_wait));
    }
}
