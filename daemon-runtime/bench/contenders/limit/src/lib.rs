//! The limit in bare Rust, with std and libc: `../limit.c` line by line, which says what it keeps and what it does not. The
//! numbers in the comments are the promises listed there. It is all raw calls with plain memory, so it is all unsafe; no
//! call is given anything but what its manual page asks for.
#![allow(
    clippy::missing_safety_doc,
    reason = "a program, of which the library is only a part that another one uses too"
)]

use std::ffi::{CStr, CString, c_int};
use std::mem::{size_of_val, zeroed};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::{env, io, ptr, str};

use libc::pid_t;

const QUIET: c_int = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;

/// What goes over the channel: that the daemon is ready, or why it is not.
#[repr(C)]
struct Word {
    ready: pid_t,
    reason: [u8; 124],
}

/// The daemon's places.
pub struct Limit {
    pidfile: CString,
    draft: CString,
    claim_name: CString,
    log_name: CString,
}

/// What the daemon has from the launcher.
struct Kit {
    null: c_int,
    log: c_int,
    launcher_end: c_int,
    daemon_end: c_int,
}

/// A lock on the whole of a file.
fn whole(kind: c_int) -> libc::flock {
    libc::flock { l_type: kind as i16, l_whence: libc::SEEK_SET as i16, l_start: 0, l_len: 0, l_pid: 0 }
}

/// 2, 8: the kernel names the holder of the witness; a read lock is asked for, so no reader can be in the way.
fn holder(file: c_int) -> pid_t {
    let mut lock = whole(libc::F_RDLCK);
    let asked = unsafe { libc::fcntl(file, libc::F_GETLK, &raw mut lock) };
    if file < 0 || asked < 0 || lock.l_type == libc::F_UNLCK as i16 { 0 } else { lock.l_pid }
}

fn errno() -> io::Error {
    io::Error::last_os_error()
}

fn fail(what: &CStr) -> ExitCode {
    let why = errno();
    println!("Starting limit ... FAILED");
    eprintln!("error: {}: {why}", what.to_string_lossy());
    ExitCode::FAILURE
}

/// 6: what has no close-on-exec was not opened by this program; neighbours are closed with one call. How many there are to be
/// looked for, the kernel says from 6.2 on, which is cheaper than to have them listed.
unsafe fn close_leaked() -> c_int {
    unsafe {
        let mut table: libc::stat = zeroed();
        if libc::stat(c"/proc/self/fd".as_ptr(), &raw mut table) < 0 {
            return -1;
        }
        let close = |first: c_int, end: c_int| libc::syscall(libc::SYS_close_range, first, end - 1, 0);
        let (mut fd, mut first) = (0, None);
        while table.st_size > 0 {
            let flags = libc::fcntl(fd, libc::F_GETFD);
            let leaked = fd > 2 && flags >= 0 && flags & libc::FD_CLOEXEC == 0;
            table.st_size -= i64::from(flags >= 0);
            match first {
                None if leaked => first = Some(fd),
                Some(from) if !leaked => {
                    close(from, fd);
                    first = None;
                }
                _ => {}
            }
            fd += 1;
        }
        first.map(|from| close(from, fd));
        0
    }
}

impl Limit {
    /// The places that the environment names.
    pub fn here() -> Option<Self> {
        let place = env::var_os("BENCH_PIDFILE")?.into_vec();
        let named = |end: &str| CString::new([&place, end.as_bytes()].concat()).ok();
        Some(Self {
            pidfile: named("")?,
            draft: named(".new")?,
            claim_name: named(".claim")?,
            log_name: CString::new(env::var_os("BENCH_LOG")?.into_vec()).ok()?,
        })
    }

    fn open_pidfile(&self) -> c_int {
        unsafe { libc::open(self.pidfile.as_ptr(), libc::O_RDONLY | QUIET) }
    }

    /// 1: a lock of the open file, which goes along over both forks. Who locked a name that was removed meanwhile tries again.
    unsafe fn take_claim(&self) -> bool {
        unsafe {
            loop {
                let lock = whole(libc::F_WRLCK);
                let (mut mine, mut named): (libc::stat, libc::stat) = (zeroed(), zeroed());
                let claim = libc::open(self.claim_name.as_ptr(), libc::O_RDWR | libc::O_CREAT | QUIET, 0o600);
                if claim < 0
                    || libc::fcntl(claim, libc::F_OFD_SETLK, &raw const lock) < 0
                    || libc::fstat(claim, &raw mut mine) < 0
                {
                    return false;
                }
                let is_there = libc::stat(self.claim_name.as_ptr(), &raw mut named) == 0;
                if is_there && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev {
                    return true;
                }
                libc::close(claim);
            }
        }
    }

    /// 4: the names are this claim's.
    fn let_go(&self) {
        unsafe {
            libc::unlink(self.pidfile.as_ptr());
            libc::unlink(self.claim_name.as_ptr());
        }
    }

    /// 3, 4: the daemon's failures; the end of the channel says that nothing of it is left.
    fn give_up(&self, kit: &Kit, what: &str, why: &str) -> ! {
        let mut word = Word { ready: 0, reason: [0; 124] };
        let text = format!("{what}: {why}");
        let length = text.len().min(word.reason.len() - 1);
        word.reason[..length].copy_from_slice(&text.as_bytes()[..length]);
        unsafe { libc::unlink(self.draft.as_ptr()) };
        self.let_go();
        unsafe {
            libc::send(kit.daemon_end, (&raw const word).cast(), size_of_val(&word), libc::MSG_NOSIGNAL);
            libc::_exit(1)
        }
    }

    fn must(&self, kit: &Kit, what: &str, result: c_int) -> c_int {
        if result < 0 {
            self.give_up(kit, what, &errno().to_string());
        }
        result
    }

    /// 2: written and locked before it has its name, so nobody ever sees half of it.
    unsafe fn make_pidfile(&self, kit: &Kit) {
        unsafe {
            let lock = whole(libc::F_WRLCK);
            let create = || libc::open(self.draft.as_ptr(), libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | QUIET, 0o600);
            let mut file = create();
            if file < 0 && *libc::__errno_location() == libc::EEXIST && libc::unlink(self.draft.as_ptr()) == 0 {
                file = create();
            }
            self.must(kit, "create", file);
            let number = format!("{}\n", libc::getpid());
            self.must(kit, "write", libc::write(file, number.as_ptr().cast(), number.len()) as c_int);
            self.must(kit, "lock", libc::fcntl(file, libc::F_SETLK, &raw const lock));
            self.must(kit, "fchmod", libc::fchmod(file, 0o644));
            self.must(kit, "rename", libc::rename(self.draft.as_ptr(), self.pidfile.as_ptr()));
        }
    }

    /// 5: the rest of daemon(7), in the daemon; all signals are still blocked.
    unsafe fn become_daemon(&self, kit: &Kit, term: &mut libc::sigset_t) {
        unsafe {
            for signal in 1..=libc::SIGRTMAX() {
                libc::signal(signal, if signal == libc::SIGPIPE { libc::SIG_IGN } else { libc::SIG_DFL });
            }
            libc::sigemptyset(term);
            libc::sigaddset(term, libc::SIGTERM);
            self.must(kit, "sigprocmask", libc::sigprocmask(libc::SIG_SETMASK, term, ptr::null_mut()));
            self.must(kit, "/proc/self/fd", close_leaked());
            libc::umask(0o027);
            self.must(kit, "chdir", libc::chdir(c"/".as_ptr()));
            self.make_pidfile(kit);
            self.must(kit, "dup2", libc::dup2(kit.null, 0));
            self.must(kit, "dup2", libc::dup2(kit.log, 1));
            self.must(kit, "dup2", libc::dup2(kit.log, 2));
        }
    }

    unsafe fn live(&self, kit: &Kit) -> ! {
        unsafe {
            let mut term = zeroed();
            libc::close(kit.launcher_end);
            self.become_daemon(kit, &mut term);
            // The worker: it fails if it is told to, or is ready at once.
            if env::var_os("BENCH_FAILS").is_some() {
                self.give_up(kit, "worker", "no such luck");
            }
            let word = Word { ready: libc::getpid(), reason: [0; 124] };
            let sent = libc::send(kit.daemon_end, (&raw const word).cast(), size_of_val(&word), libc::MSG_NOSIGNAL);
            self.must(kit, "send", sent as c_int);
            // 3: a launcher that is gone has told nobody that there is a daemon.
            let mut heard = 0_u8;
            if libc::recv(kit.daemon_end, (&raw mut heard).cast(), 1, 0) != 1 {
                self.give_up(kit, "launcher", "gone");
            }
            libc::close(kit.daemon_end);
            let mut signal = 0;
            libc::sigwait(&raw const term, &raw mut signal);
            self.let_go();
            libc::_exit(0)
        }
    }

    /// 5: a session of its own, and no leader of it, so that it never gets a terminal.
    unsafe fn lead(&self, kit: &Kit) -> ! {
        unsafe {
            self.must(kit, "setsid", libc::setsid());
            if self.must(kit, "fork", libc::fork()) == 0 {
                self.live(kit);
            }
            libc::_exit(0)
        }
    }

    /// 3: how it came out.
    unsafe fn conclude(kit: &Kit, leader: pid_t) -> ExitCode {
        unsafe {
            let mut word: Word = zeroed();
            let whole = size_of_val(&word) as isize;
            let heard = 1_u8;
            libc::close(kit.daemon_end);
            let length = libc::recv(kit.launcher_end, (&raw mut word).cast(), size_of_val(&word), 0);
            libc::waitpid(leader, ptr::null_mut(), 0);
            if length == whole
                && word.ready != 0
                && libc::send(kit.launcher_end, (&raw const heard).cast(), 1, libc::MSG_NOSIGNAL) == 1
            {
                println!("Starting limit ... OK (pid {})", word.ready);
                return ExitCode::SUCCESS;
            }
            println!("Starting limit ... FAILED");
            let reason = str::from_utf8(&word.reason).unwrap_or_default().trim_end_matches('\0');
            eprintln!("error: {}", if length == whole { reason } else { "it ended without a word" });
            // 4: its end of the channel is closed with everything else that it had.
            while libc::recv(kit.launcher_end, (&raw mut word).cast(), size_of_val(&word), 0) > 0 {}
            ExitCode::FAILURE
        }
    }

    pub fn start(&self) -> ExitCode {
        unsafe {
            if !self.take_claim() {
                if !matches!(errno().raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) {
                    return fail(&self.claim_name);
                }
                eprintln!("warning: limit is already running with pid {}", holder(self.open_pidfile()));
                return ExitCode::SUCCESS;
            }
            // 4, 5: what can be refused is refused before there is a process.
            let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            let log = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | QUIET;
            let log = libc::open(self.log_name.as_ptr(), log, 0o640);
            let mut ends = [0; 2];
            let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
            if null < 0 || log < 0 || libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) < 0 {
                self.let_go();
                return fail(&self.log_name);
            }
            let kit = Kit { null, log, launcher_end: ends[0], daemon_end: ends[1] };
            // 5: nothing may end the child between fork and setsid.
            let (mut all, mut before) = (zeroed(), zeroed());
            libc::sigfillset(&raw mut all);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
            let leader = libc::fork();
            if leader == 0 {
                self.lead(&kit);
            }
            libc::sigprocmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
            if leader < 0 {
                self.let_go();
                return fail(c"fork");
            }
            Self::conclude(&kit, leader)
        }
    }

    /// 7: the claim outlives the daemon by whatever child has it for a moment more.
    unsafe fn claim_is_held(&self) -> bool {
        unsafe {
            let mut lock = whole(libc::F_WRLCK);
            let file = libc::open(self.claim_name.as_ptr(), libc::O_RDWR | QUIET);
            if file < 0 {
                return false;
            }
            let asked = libc::fcntl(file, libc::F_OFD_GETLK, &raw mut lock) == 0;
            libc::close(file);
            asked && lock.l_type != libc::F_UNLCK as i16
        }
    }

    pub fn stop(&self) -> ExitCode {
        unsafe {
            let file = self.open_pidfile();
            let daemon = holder(file);
            if daemon == 0 {
                eprintln!("warning: limit is not running");
                return ExitCode::SUCCESS;
            }
            // 7: asked again once there is a handle: if the kernel still names the number, the handle means nobody else.
            let handle = libc::syscall(libc::SYS_pidfd_open, daemon, 0) as c_int;
            if handle >= 0 && holder(file) == daemon {
                let no_info = ptr::null::<libc::siginfo_t>();
                libc::syscall(libc::SYS_pidfd_send_signal, handle, libc::SIGTERM, no_info, 0);
            }
            let mut end = libc::pollfd { fd: handle, events: libc::POLLIN, revents: 0 };
            if handle >= 0 && libc::poll(&raw mut end, 1, 10_000) != 1 {
                println!("Stopping limit ... FAILED");
                return ExitCode::FAILURE;
            }
            while self.claim_is_held() {
                libc::usleep(10_000);
            }
            println!("Stopping limit ... OK");
            ExitCode::SUCCESS
        }
    }

    pub fn restart(&self) -> ExitCode {
        match self.stop() {
            ExitCode::SUCCESS => self.start(),
            failed => failed,
        }
    }

    pub fn status(&self) -> ExitCode {
        let daemon = holder(self.open_pidfile());
        let Some(vitals) = (daemon != 0).then(|| Vitals::of(daemon)).flatten() else {
            println!("limit -- not running");
            return ExitCode::from(3);
        };
        let Vitals { minutes, cpu, memory } = vitals;
        println!("limit -- pid: {daemon}, status: running, uptime: {minutes}m, %cpu: {cpu:.1}, %mem: {memory:.1}");
        ExitCode::SUCCESS
    }
}

struct Vitals {
    minutes: u64,
    cpu: f64,
    memory: f64,
}

impl Vitals {
    fn of(daemon: pid_t) -> Option<Self> {
        unsafe {
            let path = CString::new(format!("/proc/{daemon}/stat")).ok()?;
            let mut text = [0_u8; 1023];
            let stat = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
            let length = libc::read(stat, text.as_mut_ptr().cast(), text.len());
            libc::close(stat);
            let (_, fields) = str::from_utf8(&text[..usize::try_from(length).ok()?]).ok()?.rsplit_once(") ")?;
            let mut fields = fields.split(' ').skip(11).map(str::parse::<u64>);
            let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
            let (since, resident) = (fields.nth(6)?.ok()?, fields.nth(1)?.ok()?);
            let (mut now, mut machine): (libc::timespec, libc::sysinfo) = (zeroed(), zeroed());
            libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut now);
            libc::sysinfo(&raw mut machine);
            let ticks = libc::sysconf(libc::_SC_CLK_TCK) as f64;
            let lived = now.tv_sec as f64 + now.tv_nsec as f64 / 1e9 - since as f64 / ticks;
            let total = machine.totalram as f64 * f64::from(machine.mem_unit);
            Some(Self {
                minutes: (lived + 30.0) as u64 / 60,
                cpu: if lived > 0.0 { 100.0 * (user + system) as f64 / ticks / lived } else { 0.0 },
                memory: 100.0 * resident as f64 * libc::sysconf(libc::_SC_PAGESIZE) as f64 / total,
            })
        }
    }
}
