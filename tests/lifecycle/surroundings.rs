//! What a program can be begun in: mounts, limits and streams of its own, and what holds for it there.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};

use crate::home::{Home, NOBODY, Program, Told, is_root};
use crate::settings::{before, skip};

const NOTHING: Option<&str> = None;

/// Mounts that nobody else sees.
fn own_mounts() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    Ok(mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)?)
}

/// Whether a test may have mounts of its own, for which a container may keep even root from it; says so where it may not.
pub fn may_mount(test: &str) -> bool {
    if !is_root(test) {
        return false;
    }
    let may = before(Program(Command::new("true")), own_mounts).0.status().is_ok();
    if !may {
        skip(test, "not even root may mount anything here");
    }
    may
}

/// Where /proc is not mounted. Only root can make it so.
pub fn without_proc(program: Program) -> Program {
    before(program, || {
        own_mounts()?;
        Ok(umount2("/proc", MntFlags::MNT_DETACH)?)
    })
}

/// Where /proc hides the processes of others. Only root can make it so.
pub fn with_hidden_proc(program: Program) -> Program {
    before(program, || {
        own_mounts()?;
        Ok(mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), Some("hidepid=2"))?)
    })
}

/// Where /dev is empty. Only root can make it so.
pub fn without_devices(program: Program) -> Program {
    before(program, || {
        own_mounts()?;
        Ok(mount(Some("none"), "/dev", Some("tmpfs"), MsFlags::empty(), NOTHING)?)
    })
}

/// As the account without any rights, from here on. Only root can make it so.
pub fn then_nobody(program: Program) -> Program {
    before(program, || {
        let nobody = libc::gid_t::from(NOBODY);
        nix::unistd::setgroups(&[])?;
        nix::unistd::setgid(nobody.into())?;
        Ok(nix::unistd::setuid(NOBODY.into())?)
    })
}

/// With so much of something, and no more.
pub fn limited(program: Program, what: Resource, most: u64) -> Program {
    before(program, move || Ok(setrlimit(what, most, most)?))
}

/// Without these standard streams.
pub fn without(program: Program, closed: &'static [i32]) -> Program {
    before(program, move || {
        for fd in closed {
            // SAFETY: they are the standard streams, and what comes after exec has no idea of them yet.
            if unsafe { libc::close(*fd) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    })
}

/// Every choice of the three standard streams but none of them.
pub const CHOICES: [&[i32]; 7] = [&[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];

/// Starts the daemon in plain surroundings; its pid.
#[track_caller]
pub fn start(home: &Home, program: Program) -> i32 {
    let told = program.run(&["start"]);
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    home.pid()
}

/// The line of `status` for a daemon of which everything can be told, and how long it is up is no part of what is asked.
#[track_caller]
pub fn assert_wholly_told(told: &Told, pid: i32) {
    let begins = format!("actor -- pid: {pid}, status: running, uptime: ");
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert!(told.stdout.starts_with(&begins) && told.stdout.contains(", %cpu: "), "{told:?}");
    assert!(told.stdout.contains(", %mem: ") && !told.stdout.contains('('), "{told:?}");
}

/// Nothing but the number is in the pidfile, nothing but the note in the claim, and nothing in the log: what is printed where
/// a stream is closed must not get into a file that was opened in its place.
#[track_caller]
pub fn assert_files_are_clean(home: &Home, pid: i32) {
    assert_eq!(home.read("run/actor.pid"), format!("{pid}\n"));
    let session = nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid))).expect("it runs");
    assert_eq!(home.read("run/actor.pid.claim"), format!("{pid} {session} actor.pid\n"));
    for log in ["out", "err"].map(|name| home.path(name)).iter().filter(|log| Path::new(log).exists()) {
        assert_eq!(std::fs::read_to_string(log).expect("text"), "", "{}", log.display());
    }
}

pub fn succeeded(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Leaks a file, a pipe and a pair of sockets into the launcher, none of them close-on-exec, and nothing else.
pub fn leaking(home: &Home, program: Program) -> Program {
    let path = CString::new(home.path("leaked").as_os_str().as_bytes()).expect("no NUL in it");
    before(program, move || {
        for fd in 3..1024 {
            // Whoever runs these tests may have leaked something into them. Most of the numbers are not open.
            // SAFETY: it only sets a flag, which everything of the tests has already.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        // SAFETY: the path is a C string, and the flags want a mode, which is there.
        succeeded(unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CREAT, 0o600) })?;
        let mut fds = [0; 2];
        // SAFETY: there is room for the two numbers that are written.
        succeeded(unsafe { libc::pipe(fds.as_mut_ptr()) })?;
        // SAFETY: as above.
        succeeded(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, fds.as_mut_ptr()) })
    })
}

pub fn ignoring(program: Program, signals: Vec<libc::c_int>) -> Program {
    before(program, move || {
        for signal in &signals {
            // SAFETY: SIG_IGN is no handler, so nothing of ours runs in signal context.
            if unsafe { libc::signal(*signal, libc::SIG_IGN) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    })
}

pub fn blocking(program: Program, signals: Vec<libc::c_int>) -> Program {
    before(program, move || {
        // SAFETY: all-zero is a valid set of signals; it is emptied all the same.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is ours.
        succeeded(unsafe { libc::sigemptyset(&raw mut set) })?;
        for signal in &signals {
            // SAFETY: the set is ours.
            succeeded(unsafe { libc::sigaddset(&raw mut set, *signal) })?;
        }
        // SAFETY: the set is valid, and the old one is not asked for.
        succeeded(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) })
    })
}
