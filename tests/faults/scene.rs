//! One run: an action on the subject, in a directory of its own, with at most one fault on the way.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::call::Place;
use crate::fault::Fault;
use crate::home::{Home, NOBODY, Program, Told};
use crate::mode::{Account, Cast, Mode, Verb};
use crate::tracer::{Aim, Made, Tracer};

/// After which a run is taken for one that hangs.
const LIMIT: Duration = Duration::from_secs(20);

pub struct Scene {
    pub home: Home,
    pub program: &'static str,
    pub mode: Mode,
    pub verb: Verb,
}

/// How it came out.
#[derive(Debug)]
pub struct Shown {
    pub told: Told,
    pub calls: Vec<Made>,
    pub hit: bool,
    pub hung: bool,
    /// What others were told who started it while it stood still.
    pub rivals: Vec<Told>,
    /// The daemon before the action, where there was one.
    pub before: Option<i32>,
}

impl Scene {
    pub fn new(cast: Cast) -> Self {
        let Cast { program, verb, mode } = cast;
        let home = Home::new();
        let jail = home.path("jail");
        fs::create_dir(&jail).expect("the directory is ours");
        fs::set_permissions(&jail, fs::Permissions::from_mode(0o755)).expect("it is ours");
        if mode.account == Account::Nobody {
            for folder in [home.path(""), home.path("run")] {
                chown(folder, Some(NOBODY), Some(NOBODY)).expect("root may");
            }
        }
        Self { home, program, mode, verb }
    }

    /// The subject, to be run by the account of this scene.
    pub fn subject(&self) -> Program {
        let subject = self.home.cast(self.program.as_ref(), "");
        let subject = subject.set("ACTOR_STDOUT", self.home.path("log")).set("ACTOR_STDERR", self.home.path("log"));
        let mut subject = subject.set("ACTOR_START_TIMEOUT", "6s").set("ACTOR_STOP_TIMEOUT", "6s");
        subject.0.env_remove("ACTOR_NOTES").env_remove("ACTOR_LAST_WORDS").env_remove("RUST_BACKTRACE");
        if self.mode.user {
            subject = subject.set("ACTOR_USER", "nobody");
        }
        if self.mode.chroot {
            subject = subject.set("ACTOR_CHROOT", self.home.path("jail"));
        }
        if self.mode.exec {
            subject = subject.set("ACTOR_DETACH", "exec");
        }
        match self.mode.account {
            Account::Nobody => self.home.as_nobody(subject),
            Account::Root | Account::Caller => subject,
        }
    }

    pub fn run(&self, fault: Option<(&Place, Fault)>) -> Shown {
        thread::scope(|scope| {
            let watchdog = Watchdog::begin(&self.home, scope);
            // A thread of its own: when it ends, the kernel lets everybody go who was traced by it.
            let mut shown = scope.spawn(|| self.traced(fault)).join().expect("the tracer goes on");
            shown.hung = watchdog.end();
            shown
        })
    }

    fn traced(&self, fault: Option<(&Place, Fault)>) -> Shown {
        let mut tracer = Tracer::default();
        if self.verb.needs_a_daemon() {
            let seen = tracer.run(self.command("start", "before"), None).expect("traced");
            assert_eq!(seen.code, 0, "{}", self.home.read("before.err"));
        }
        let before = self.verb.needs_a_daemon().then(|| self.home.pid());
        let mut rivals = Vec::new();
        let mut on_hit = || {
            if let Some((_, Fault::Delay)) = fault {
                // From a thread of its own: whom the tracer begins, it waits for.
                rivals.push(thread::spawn({
                    let rival = self.subject();
                    move || rival.run(&["start"])
                }));
            }
        };
        let aim = fault.map(|(place, fault)| Aim { place: place.clone(), fault, on_hit: &mut on_hit });
        let seen = tracer.run(self.command(self.verb.word(), "told"), aim).expect("traced");
        let told = Told { code: seen.code, stdout: self.home.read("told.out"), stderr: self.home.read("told.err") };
        let rivals = rivals.into_iter().map(|rival| rival.join().expect("it is heard")).collect();
        Shown { told, calls: seen.calls, hit: seen.hit, hung: false, rivals, before }
    }

    /// Files take what it says: nobody has to read while it is traced.
    fn command(&self, verb: &str, name: &str) -> Command {
        let mut command = self.subject().0;
        let file = |ending: &str| File::create(self.home.path(&format!("{name}.{ending}"))).expect("a file");
        // SAFETY: between fork and exec this is one system call, which touches no memory.
        unsafe { command.pre_exec(hand_nothing_on) };
        command.arg(verb).stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        command
    }
}

/// Whoever runs the tests may leave descriptors open, which the daemon would have to close.
fn hand_nothing_on() -> std::io::Result<()> {
    let on_exec = i32::try_from(libc::CLOSE_RANGE_CLOEXEC).map_err(std::io::Error::other)?;
    // SAFETY: nothing is closed before exec(2), and then nobody is left who owns it. Kernels before 5.11 do not know the flag.
    unsafe { libc::close_range(3, libc::c_uint::MAX, on_exec) };
    Ok(())
}

/// Ends a run that hangs.
struct Watchdog<'scope> {
    over: Sender<()>,
    thread: thread::ScopedJoinHandle<'scope, bool>,
}

impl<'scope> Watchdog<'scope> {
    fn begin<'env>(home: &'env Home, scope: &'scope thread::Scope<'scope, 'env>) -> Self {
        let (over, is_over) = channel();
        let thread = scope.spawn(move || {
            let hung = is_over.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
            while hung && is_over.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
                for pid in home.processes() {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
            }
            hung
        });
        Self { over, thread }
    }

    fn end(self) -> bool {
        drop(self.over);
        self.thread.join().expect("the watchdog goes on")
    }
}
