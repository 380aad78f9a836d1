//! The system calls that a program makes: their names, and the errors that fit them.

use nix::errno::Errno;
use nix::libc;

/// One call, as it is when the kernel is about to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub number: i64,
    pub arguments: [u64; 6],
    pub on: Target,
}

/// What its first argument means, where that is a descriptor to read from or to write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A file, which may be on a disk that is full or broken.
    File,
    /// A pipe, a socket, an event: nothing but memory.
    Memory,
}

/// Which one it is among all that a run makes: the same in every run, as long as it goes the same way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Launcher, session leader, daemon, or a thread of one of them.
    pub who: String,
    /// How many programs it has begun by exec(2).
    pub image: u32,
    pub name: &'static str,
    /// The how many-th of this name, from 1.
    pub nth: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.who)?;
        if self.image > 0 {
            write!(f, " (image {})", self.image)?;
        }
        write!(f, ": {} no. {}", self.name, self.nth)
    }
}

/// What fits a call: the errors that its manual page names and that a machine can really answer, whatever the program does.
/// The ones that say that the program is wrong (EINVAL, EFAULT, EBADF) do not.
pub struct Kind {
    pub name: &'static str,
    pub errors: &'static [Errno],
}

const FULL: &[Errno] = &[Errno::ENOSPC, Errno::EIO, Errno::EDQUOT, Errno::EINTR];
const MADE: &[Errno] = &[Errno::ENOSPC, Errno::EACCES, Errno::EROFS, Errno::EMFILE, Errno::EIO, Errno::EINTR];
const FOUND: &[Errno] = &[Errno::EACCES, Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::EIO, Errno::EINTR];
const NAMED: &[Errno] = &[Errno::EACCES, Errno::EPERM, Errno::EROFS, Errno::EIO];
const DESCRIPTOR: &[Errno] = &[Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM];
const LOCKED: &[Errno] = &[Errno::ENOLCK, Errno::EINTR, Errno::EIO];
const BORN: &[Errno] = &[Errno::EAGAIN, Errno::ENOMEM];
const READ: &[Errno] = &[Errno::EIO, Errno::EINTR];
const LOOKED_AT: &[Errno] = &[Errno::EIO, Errno::ENOMEM];
const WAITED: &[Errno] = &[Errno::EINTR, Errno::ENOMEM];
const NOTHING: &[Errno] = &[];

impl Call {
    pub fn kind(self) -> Kind {
        let (name, errors) = match self.number {
            libc::SYS_fcntl => self.fcntl(),
            libc::SYS_futex => self.futex(),
            libc::SYS_write if self.on == Target::Memory => ("write(memory)", &[Errno::EINTR] as &[Errno]),
            libc::SYS_read if self.on == Target::Memory => ("read(memory)", &[Errno::EINTR] as &[Errno]),
            libc::SYS_openat if self.arguments[2] & libc::O_CREAT as u64 != 0 => ("openat(O_CREAT)", MADE),
            libc::SYS_openat => ("openat", FOUND),
            number => by_number(number),
        };
        Kind { name, errors }
    }

    fn fcntl(self) -> (&'static str, &'static [Errno]) {
        match i32::try_from(self.arguments[1]).unwrap_or(-1) {
            libc::F_DUPFD_CLOEXEC => ("fcntl(F_DUPFD_CLOEXEC)", &[Errno::EMFILE]),
            libc::F_SETLK => ("fcntl(F_SETLK)", LOCKED),
            libc::F_GETLK => ("fcntl(F_GETLK)", LOCKED),
            libc::F_OFD_SETLK => ("fcntl(F_OFD_SETLK)", LOCKED),
            libc::F_OFD_GETLK => ("fcntl(F_OFD_GETLK)", LOCKED),
            // Asks for, and sets, flags of a descriptor that is open: it can only fail where the descriptor is not.
            _ => ("fcntl", NOTHING),
        }
    }

    fn futex(self) -> (&'static str, &'static [Errno]) {
        match i32::try_from(self.arguments[1]).unwrap_or(-1) & libc::FUTEX_CMD_MASK {
            libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET => ("futex(FUTEX_WAIT)", &[Errno::EINTR]),
            // Waking somebody takes nothing.
            _ => ("futex", NOTHING),
        }
    }

    /// Whether it leaves all as it was for everybody else: then being killed before it is being killed before the call after it.
    pub fn changes_nothing(self) -> bool {
        let name = self.kind().name;
        let asks =
            ["stat", "getdents64", "readlink", "F_GETLK", "F_OFD_GETLK", "pread64", "mmap", "mprotect", "futex", "get"];
        let of_itself = [
            "fcntl",
            "munmap",
            "brk",
            "ioctl",
            "lseek",
            "sigaltstack",
            "sched_yield",
            "restart_syscall",
            "another call",
        ];
        let of_memory_and_threads = ["rseq", "set_robust_list", "madvise", "mremap", "clock_nanosleep"];
        asks.iter().any(|part| name.contains(part))
            || of_itself.iter().chain(&of_memory_and_threads).any(|part| name == *part || name.starts_with("rt_sig"))
    }

    /// How it writes, if it writes a number of bytes that can be made smaller: the argument that says so.
    pub fn length_written(self) -> Option<u64> {
        let writes = matches!(self.number, libc::SYS_write | libc::SYS_pwrite64) && self.on == Target::File;
        (writes && self.arguments[2] > 1).then_some(self.arguments[2])
    }

    /// Whether it may wait for ever, so that a process in it is at rest.
    pub fn may_rest(self) -> bool {
        matches!(
            self.number,
            libc::SYS_poll
                | libc::SYS_ppoll
                | libc::SYS_futex
                | libc::SYS_read
                | libc::SYS_recvfrom
                | libc::SYS_recvmsg
                | libc::SYS_wait4
                | libc::SYS_waitid
                | libc::SYS_rt_sigtimedwait
                | libc::SYS_pause
        )
    }
}

fn by_number(number: i64) -> (&'static str, &'static [Errno]) {
    match number {
        libc::SYS_read => ("read", READ),
        libc::SYS_pread64 => ("pread64", READ),
        libc::SYS_write => ("write", FULL),
        libc::SYS_pwrite64 => ("pwrite64", FULL),
        libc::SYS_close => ("close", READ),
        libc::SYS_getdents64 => ("getdents64", &[Errno::EIO, Errno::ENOMEM]),
        libc::SYS_readlink => ("readlink", LOOKED_AT),
        libc::SYS_readlinkat => ("readlinkat", LOOKED_AT),
        libc::SYS_newfstatat => ("newfstatat", &[Errno::EACCES, Errno::EIO, Errno::ENOMEM]),
        libc::SYS_openat2 => ("openat2", FOUND),
        libc::SYS_fstat => ("fstat", LOOKED_AT),
        libc::SYS_statx => ("statx", LOOKED_AT),
        libc::SYS_fstatfs => ("fstatfs", &[Errno::EIO, Errno::EINTR]),
        libc::SYS_ftruncate => ("ftruncate", &[Errno::EIO, Errno::EINTR]),
        libc::SYS_fchmod => ("fchmod", NAMED),
        libc::SYS_fchown => ("fchown", NAMED),
        libc::SYS_fchownat => ("fchownat", NAMED),
        libc::SYS_mkdirat => ("mkdirat", &[Errno::EACCES, Errno::ENOSPC, Errno::EROFS]),
        libc::SYS_unlinkat => ("unlinkat", NAMED),
        libc::SYS_renameat => ("renameat", &[Errno::EACCES, Errno::ENOSPC, Errno::EROFS, Errno::EIO]),
        libc::SYS_renameat2 => ("renameat2", &[Errno::EACCES, Errno::ENOSPC, Errno::EROFS, Errno::EIO]),
        libc::SYS_pipe2 => ("pipe2", DESCRIPTOR),
        libc::SYS_socketpair => ("socketpair", DESCRIPTOR),
        libc::SYS_signalfd4 => ("signalfd4", DESCRIPTOR),
        libc::SYS_eventfd2 => ("eventfd2", DESCRIPTOR),
        libc::SYS_pidfd_open => ("pidfd_open", &[Errno::EMFILE, Errno::ENOMEM, Errno::ENOSYS, Errno::EPERM]),
        libc::SYS_pidfd_send_signal => ("pidfd_send_signal", &[Errno::EPERM, Errno::ENOSYS]),
        libc::SYS_kill => ("kill", &[Errno::EPERM]),
        libc::SYS_clone => ("clone", BORN),
        libc::SYS_clone3 => ("clone3", BORN),
        libc::SYS_vfork => ("vfork", BORN),
        libc::SYS_fork => ("fork", BORN),
        libc::SYS_execve => ("execve", &[Errno::EACCES, Errno::ENOENT, Errno::ENOMEM, Errno::EIO, Errno::EAGAIN]),
        libc::SYS_setsid => ("setsid", &[Errno::EPERM]),
        libc::SYS_getcwd => ("getcwd", &[Errno::ENOENT, Errno::ENOMEM]),
        libc::SYS_chdir => ("chdir", NAMED),
        libc::SYS_fchdir => ("fchdir", NAMED),
        libc::SYS_chroot => ("chroot", NAMED),
        libc::SYS_setgroups => ("setgroups", &[Errno::EPERM, Errno::ENOMEM]),
        libc::SYS_setresgid => ("setresgid", &[Errno::EPERM]),
        libc::SYS_setresuid => ("setresuid", &[Errno::EPERM, Errno::EAGAIN]),
        libc::SYS_setgid => ("setgid", &[Errno::EPERM]),
        libc::SYS_setuid => ("setuid", &[Errno::EPERM, Errno::EAGAIN]),
        libc::SYS_prlimit64 => ("prlimit64", &[Errno::EPERM]),
        libc::SYS_dup2 => ("dup2", &[Errno::EINTR, Errno::EBUSY]),
        libc::SYS_dup3 => ("dup3", &[Errno::EINTR, Errno::EBUSY]),
        libc::SYS_mmap => ("mmap", &[Errno::ENOMEM]),
        libc::SYS_mprotect => ("mprotect", &[Errno::ENOMEM]),
        libc::SYS_poll => ("poll", WAITED),
        libc::SYS_ppoll => ("ppoll", WAITED),
        libc::SYS_sendmsg => ("sendmsg", &[Errno::EINTR, Errno::ENOBUFS, Errno::ENOMEM]),
        libc::SYS_sendto => ("sendto", &[Errno::EINTR, Errno::ENOBUFS, Errno::ENOMEM]),
        libc::SYS_recvmsg => ("recvmsg", WAITED),
        libc::SYS_recvfrom => ("recvfrom", WAITED),
        libc::SYS_wait4 => ("wait4", &[Errno::EINTR, Errno::ECHILD]),
        libc::SYS_waitid => ("waitid", &[Errno::EINTR, Errno::ECHILD]),
        libc::SYS_getrandom => ("getrandom", &[Errno::EINTR]),
        // By a sandbox.
        libc::SYS_shutdown => ("shutdown", &[Errno::EPERM]),
        libc::SYS_close_range => ("close_range", &[Errno::ENOSYS]),
        _ => infallible(number),
    }
}

/// Calls that cannot fail in a program that makes them as they are meant, by their manual pages.
fn infallible(number: i64) -> (&'static str, &'static [Errno]) {
    let name = match number {
        libc::SYS_rt_sigaction => "rt_sigaction",
        libc::SYS_rt_sigprocmask => "rt_sigprocmask",
        libc::SYS_rt_sigpending => "rt_sigpending",
        libc::SYS_rt_sigtimedwait => "rt_sigtimedwait",
        libc::SYS_rt_sigreturn => "rt_sigreturn",
        libc::SYS_restart_syscall => "restart_syscall",
        libc::SYS_setsockopt => "setsockopt",
        libc::SYS_sigaltstack => "sigaltstack",
        libc::SYS_getpid => "getpid",
        libc::SYS_gettid => "gettid",
        libc::SYS_getuid => "getuid",
        libc::SYS_geteuid => "geteuid",
        libc::SYS_getgid => "getgid",
        libc::SYS_getegid => "getegid",
        libc::SYS_getresuid => "getresuid",
        libc::SYS_getresgid => "getresgid",
        libc::SYS_getgroups => "getgroups",
        libc::SYS_capget => "capget",
        libc::SYS_capset => "capset",
        libc::SYS_sched_getaffinity => "sched_getaffinity",
        libc::SYS_sched_yield => "sched_yield",
        libc::SYS_rseq => "rseq",
        libc::SYS_set_robust_list => "set_robust_list",
        libc::SYS_madvise => "madvise",
        libc::SYS_mremap => "mremap",
        libc::SYS_clock_nanosleep => "clock_nanosleep",
        libc::SYS_umask => "umask",
        libc::SYS_getsid => "getsid",
        libc::SYS_munmap => "munmap",
        // Its failure is not an error but the old break; what allocates then goes on with mmap, which fails as told above.
        libc::SYS_brk => "brk",
        libc::SYS_ioctl => "ioctl",
        libc::SYS_getsockopt => "getsockopt",
        libc::SYS_lseek => "lseek",
        libc::SYS_prctl => "prctl",
        libc::SYS_exit => "exit",
        libc::SYS_exit_group => "exit_group",
        _ => "another call",
    };
    (name, NOTHING)
}
