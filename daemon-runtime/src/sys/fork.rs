//! fork(2), only for a process with one thread.

use std::fs::DirEntry;
use std::io;
use std::marker::PhantomData;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{ForkResult, Pid};

/// Proof that this process has one thread. It is made and used up inside of `sys`, in one function with the act that it is
/// for: nobody can keep it while a hook, or anything else, begins a thread. Nor can it go to another thread.
#[derive(Debug)]
pub(super) struct SingleThreaded(PhantomData<*const ()>);

/// The process has more than one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Threads {
    /// How many; 0 where that cannot be found out.
    pub(crate) count: usize,
}

/// Which side of the fork one is on.
#[derive(Debug)]
pub(crate) enum Side {
    Parent(Pid),
    /// It has one thread too, and none of the locks is held by one that it lacks: it may run any code.
    Child,
}

/// Why there was no fork.
#[derive(Debug)]
pub(crate) enum Unforked {
    Threads(Threads),
    Failed(io::Error),
}

impl SingleThreaded {
    pub(super) fn prove() -> Result<Self, Threads> {
        // A thread that was joined a moment ago may still be listed: its exit wakes the joiner before it leaves the list.
        for _ in 0..50 {
            if threads() == Some(1) {
                return Ok(Self(PhantomData));
            }
            sleep(Duration::from_millis(1));
        }
        match threads() {
            Some(1) => Ok(Self(PhantomData)),
            count => Err(Threads { count: count.unwrap_or(0) }),
        }
    }
}

/// Refuses a process with threads early; whoever does what they forbid asks again.
pub(crate) fn refuse_threads() -> Result<(), Threads> {
    SingleThreaded::prove().map(drop)
}

/// The link count of a list of one: the list, its name for itself, and the thread.
const LINKS_OF_ONE: nix::libc::nlink_t = 3;

/// How many there are, if anybody tells.
fn threads() -> Option<usize> {
    // proc_task_getattr() in the kernel counts them there, as those who leave are taken off the list. Where it says anything
    // else, the list itself tells, and its number.
    if nix::sys::stat::stat(c"/proc/self/task").is_ok_and(|list| list.st_nlink == LINKS_OF_ONE) {
        return Some(1);
    }
    let listed = std::fs::read_dir("/proc/self/task").and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>);
    match listed {
        Ok(tasks) => Some(tasks.len()),
        // Without /proc the kernel still answers: unshare(2) of CLONE_THREAD does nothing in a process with one thread, and
        // fails with EINVAL in one with more. A sandbox may forbid the question.
        Err(_) => match unshare(CloneFlags::CLONE_THREAD) {
            Ok(()) => Some(1),
            Err(Errno::EINVAL) => Some(2),
            Err(_) => None,
        },
    }
}

/// Forks a process with one thread. The child goes on here, with all that the process had.
pub(crate) fn fork() -> Result<Side, Unforked> {
    let _single = SingleThreaded::prove().map_err(Unforked::Threads)?;
    // SAFETY: the process has one thread, as was proved right before, so no lock can be held by a thread that the child does
    // not have, and the child may run any code.
    match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Parent { child }) => Ok(Side::Parent(child)),
        Ok(ForkResult::Child) => Ok(Side::Child),
        Err(e) => Err(Unforked::Failed(e.into())),
    }
}

impl From<Threads> for io::Error {
    fn from(Threads { count }: Threads) -> Self {
        Self::other(format!("the process has {count} threads"))
    }
}

impl From<Unforked> for io::Error {
    fn from(unforked: Unforked) -> Self {
        match unforked {
            Unforked::Threads(threads) => threads.into(),
            Unforked::Failed(source) => source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "asks /proc")]
    fn a_process_with_threads_is_refused_with_their_number_however_often_it_is_asked() {
        // The test runner's main thread, and this one at least.
        let refused = || refuse_threads().expect_err("there are two").count;
        assert!(refused() >= 2);
        assert!(matches!(fork(), Err(Unforked::Threads(Threads { count: 2.. }))));
    }
}
