//! fork(2), only for a process with one thread.

use std::io;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{ForkResult, Pid};

/// Proof that this process had one thread when it was asked. Nothing of ours starts a thread between the proof and the
/// forks it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SingleThreaded(());

/// Which side of the fork one is on.
#[derive(Debug)]
pub(crate) enum Side {
    Parent(Pid),
    Child,
}

impl SingleThreaded {
    /// The proof, or how many threads there are.
    pub(crate) fn prove() -> Result<Self, usize> {
        // A thread that was joined a moment ago may still be listed: its exit wakes the joiner before it leaves the list.
        for _ in 0..50 {
            if threads() <= 1 {
                return Ok(Self(()));
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        match threads() {
            0 | 1 => Ok(Self(())),
            count => Err(count),
        }
    }
}

fn threads() -> usize {
    match std::fs::read_dir("/proc/self/task") {
        Ok(tasks) => tasks.count(),
        // Without /proc the kernel still answers: unshare(2) of CLONE_THREAD does nothing in a process with one thread, and
        // fails with EINVAL in one with more.
        Err(_) if unshare(CloneFlags::CLONE_THREAD) == Err(Errno::EINVAL) => 2,
        Err(_) => 1,
    }
}

pub(crate) fn fork(_: SingleThreaded) -> io::Result<Side> {
    // SAFETY: the process has one thread (the argument proves it), so no lock can be held by a thread that the child does
    // not have, and the child may run any code.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Side::Parent(child)),
        ForkResult::Child => Ok(Side::Child),
    }
}
