//! The processes of a daemon's session, as /proc tells of them.

use procfs::ProcResult;
use procfs::process::{Process, Stat};

use crate::sys::pidfd::PidFd;

/// Whether the process has a handler for the signal; proc(5), `SigCgt`.
pub(crate) fn handles(pid: i32, signal: i32) -> ProcResult<bool> {
    let caught = Process::new(pid)?.status()?.sigcgt;
    Ok(caught & (1 << (signal - 1)) != 0)
}

/// All processes whose session is `session`.
pub(crate) fn members(session: i32) -> Vec<(Process, Stat)> {
    let Ok(all) = procfs::process::all_processes() else { return Vec::new() };
    all.filter_map(|process| {
        let process = process.ok()?;
        let stat = process.stat().ok()?;
        (stat.session == session).then_some((process, stat))
    })
    .collect()
}

/// Sends SIGKILL to all processes of a session that is known to be the daemon's own. Twice round, because a process can
/// fork while the list is read.
pub(crate) fn kill(session: i32) {
    for _ in 0..2 {
        for (process, _) in members(session) {
            kill_member(process.pid, session);
        }
    }
}

/// Whether the process is in this session, by the kernel's word.
pub(crate) fn is_of(pid: i32, session: i32) -> bool {
    nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid))).is_ok_and(|sid| sid.as_raw() == session)
}

// The handle first, then the question again: a number that has changed hands meanwhile is not signalled.
fn kill_member(pid: i32, session: i32) {
    let Ok(handle) = PidFd::open(pid) else { return };
    if is_of(pid, session) && pid != session {
        // Another user's process in the daemon's session (a setuid program) is not ours to kill.
        let _ = handle.signal(nix::libc::SIGKILL);
    }
}
