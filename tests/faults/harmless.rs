//! The table of what is right though it is neither whole nor told in the error's own words, each with its reason.

use nix::errno::Errno;

use crate::call::Place;
use crate::scene::Shown;

struct Row {
    /// The calls that it is about.
    calls: &'static [&'static str],
    errors: &'static [Errno],
    #[allow(dead_code, reason = "it is there to be read")]
    why: &'static str,
    /// What the person reads instead.
    reads: &'static str,
}

const ROWS: [Row; 8] = [
    Row {
        calls: &["write"],
        errors: &[Errno::ENOSPC, Errno::EIO, Errno::EDQUOT],
        why: "the action is done, and its exit code says how; only the line on stdout is missing, which stderr tells",
        reads: "warning: cannot write to stdout: ",
    },
    Row {
        calls: &["pwrite64"],
        errors: &[Errno::ENOSPC, Errno::EIO, Errno::EDQUOT],
        why: "it is the daemon's error, of which it tells nobody but by its silence; who waits for the answer is told where there \
              is none",
        reads: "what came of it cannot be told: it cannot write ",
    },
    Row {
        calls: &["mmap", "mprotect", "clone3", "clone"],
        errors: &[Errno::ENOMEM],
        why: "pthread_create(3) says EAGAIN, whatever it lacks for a thread",
        reads: "cannot set up the signals: Resource temporarily unavailable",
    },
    Row {
        calls: &["close"],
        errors: &[Errno::EIO],
        why: "the standard library panics where closedir(3) fails, which it cannot for a list of /proc; what is left names nobody",
        reads: "unexpected error during closedir",
    },
    Row {
        calls: &["dup2"],
        errors: &[Errno::EINTR],
        why: "posix_spawn(3) blocks all signals before it makes this call, so none can interrupt it there; it is told all the same",
        reads: " anew: Interrupted system call",
    },
    Row {
        calls: &["dup2"],
        errors: &[Errno::EINTR],
        why: "as above, where the session leader makes the daemon",
        reads: "making the daemon failed: Interrupted system call",
    },
    Row {
        calls: &["openat"],
        errors: &[Errno::EACCES],
        why: "/proc is mounted with hidepid: the person is told what is hidden",
        reads: "/proc does not show pid ",
    },
    Row {
        calls: &["mmap", "mprotect"],
        errors: &[Errno::ENOMEM],
        why: "a thread of the standard library's that gets no memory for its signal stack aborts the process; the launcher tells \
              the signal, and what was written to stderr",
        reads: "SIGABRT",
    },
];

/// Whether the table has it, and the person reads what the table says.
pub fn is_known(place: &Place, errno: Errno, shown: &Shown) -> bool {
    [&shown.told.stderr, &shown.told.stdout].into_iter().any(|text| explains(place, errno, text))
}

/// Whether the table has it, and this is the text that it names.
pub fn explains(place: &Place, errno: Errno, text: &str) -> bool {
    let fits = |row: &&Row| row.calls.contains(&place.name) && row.errors.contains(&errno);
    ROWS.iter().filter(fits).any(|row| text.contains(row.reads))
}
