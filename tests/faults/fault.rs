//! What can happen at a system call.

use nix::errno::Errno;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call is not done, and answers this. (close(2) is done all the same: so does the kernel.)
    Error(Errno),
    /// One byte is written, and the call says so.
    Short,
    /// SIGKILL to the calling process, before the call.
    Kill,
    /// SIGKILL to every process of the run, before the call.
    KillAll,
    /// The process stands still for half a second before the call, while all others go on.
    Delay,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(errno) => write!(f, "{errno:?}"),
            other => write!(f, "{}", format!("{other:?}").to_lowercase()),
        }
    }
}
