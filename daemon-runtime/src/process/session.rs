//! The processes of a daemon's session, as the kernel and /proc tell of them.

mod record;
mod tree;

use std::fs::{self, DirEntry};
use std::io;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getsid};

use self::record::caught;
pub(crate) use self::record::{Stat, Unread, stat};
use crate::pidfile::user_of;
use crate::sys::again::again;
use crate::sys::pidfd::PidFd;
use crate::sys::proc_file;

/// Whether the process has a handler for the signal.
pub(crate) fn handles(pid: i32, signal: i32) -> Result<bool, Unread> {
    Ok(caught(pid)? & (1 << (signal - 1)) != 0)
}

/// Why /proc does not tell of a process that there is, for a person.
pub(crate) fn why_unseen(pid: i32, error: &Unread) -> String {
    if !proc_file::is_mounted() {
        "/proc is not mounted".to_owned()
    } else if error.is_of_all() {
        format!("/proc does not show pid {pid} to this account")
    } else {
        error.to_string()
    }
}

/// All processes whose session is `session`: all that there are are asked by number, and those that belong to it looked at.
pub(crate) fn members(session: i32) -> Result<Vec<Stat>, Unread> {
    let unlisted = |source| Unread::new("/proc", source);
    if !proc_file::is_mounted() {
        // The folder may well be there, and empty.
        return Err(unlisted(io::ErrorKind::NotFound.into()));
    }
    let mut members = Vec::new();
    for entry in again(|| fs::read_dir("/proc")).map_err(unlisted)? {
        let Some(pid) = pid_of(&entry.map_err(unlisted)?).filter(|pid| is_of(*pid, session)) else { continue };
        match stat(pid) {
            Ok(stat) if stat.session == session => members.push(stat),
            Ok(_) => {}
            // It has ended since it was listed, or it is hidden from us.
            Err(error) if error.is_of_all() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(members)
}

fn pid_of(entry: &DirEntry) -> Option<i32> {
    entry.file_name().to_str()?.parse().ok()
}

/// The processes of the daemon's session, found without going through all that there are where that can be done; for sums,
/// and not for whoever must miss none.
pub(crate) fn around(daemon: &Stat) -> Result<Vec<Stat>, Unread> {
    tree::members(daemon).map_or_else(|| members(daemon.session), Ok)
}

/// The first child of the process in its own session, if it has one.
pub(crate) fn child_of(pid: i32) -> Option<i32> {
    let stat = stat(pid).ok()?;
    match tree::children(&stat) {
        Ok(children) => children.into_iter().find(|child| is_of(*child, stat.session)),
        Err(_) => members(stat.session).ok()?.into_iter().find(|member| member.ppid == pid).map(|child| child.pid),
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
    getsid(Some(Pid::from_raw(pid))).is_ok_and(|sid| sid.as_raw() == session)
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
