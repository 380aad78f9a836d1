//! The fifteen steps that daemon(7) lists for SysV daemons, each looked for on the living process, in surroundings in which
//! leaving one out would show: the launcher has leaked descriptors, ignores and blocks every signal, and has a umask, a
//! directory, variables and inheritable capabilities that are not the daemon's.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, NOBODY, Program, Told, catches, eventually, numbers_in};
use crate::inspection::{Stat, flags, ignorable, limits, signals, status};
use crate::reload::Anew;
use crate::settings::before;
use crate::surroundings::{blocking, ignoring, leaking};

/// A step in words, and whether a daemon has it behind it.
type Step = (&'static str, fn(&Seen) -> bool);

/// The steps, in the order of the manual; each in the words of what it brings about.
const STEPS: [Step; 15] = [
    ("1: nothing is open that the launching program had open, and what is, ends with exec", |seen| {
        seen.open.iter().all(|(_, target, flags)| flags & libc::O_CLOEXEC != 0 && !seen.leaked.contains(target))
    }),
    ("2: the dispositions of signals are the defaults", |seen| seen.ignored == [libc::SIGPIPE]),
    ("3: no signal is blocked, and none waits", |seen| seen.blocked.is_empty() && seen.pending.is_empty()),
    ("4: the environment is only what was asked for", |seen| seen.variables.iter().all(|name| is_asked_for(name))),
    ("5: it goes on in the background, when what was run has ended", |seen| seen.stat.parent != seen.launcher),
    ("6: it is in a session and a group of its own, without a terminal", |seen| {
        let (own, its) = (&seen.own, &seen.stat);
        its.session != own.session && its.session != seen.launcher && its.group == its.session && its.terminal == 0
    }),
    ("7: it does not lead its session, so it can get no terminal", |seen| seen.stat.session != seen.pid),
    ("8: the process in between is gone, and it has the parent of orphans", |seen| {
        let exists = |pid: i32| Path::new(&format!("/proc/{pid}")).exists();
        !exists(seen.stat.session) && seen.stat.parent != seen.stat.session && exists(seen.stat.parent)
    }),
    ("9: the standard streams are the null device, or what was asked for", |seen| {
        seen.streams.iter().all(|stream| stream == Path::new("/dev/null") || *stream == seen.log)
    }),
    ("10: the umask is its own", |seen| seen.status("Umask") == "0027"),
    ("11: it is in the root directory", |seen| [&seen.cwd, &seen.root].iter().all(|place| *place == Path::new("/"))),
    ("12: its pid is in the pidfile, and there is no second one", |seen| {
        seen.pidfile == format!("{}\n", seen.pid) && seen.after_another_start == [seen.pid]
    }),
    ("13: it has dropped its privileges, where it was asked to", Seen::has_its_privileges),
    ("14: what became of its beginning is told to the process that was run, and by that", |seen| {
        (seen.told.code, seen.failing.code) == (0, 3)
    }),
    ("15: the process that was run is there until it has begun", |seen| seen.was_waited_for),
];

/// What else it has of its launcher, and what not.
const MORE: [Step; 7] = [
    ("it can dump no core", |seen| limits(&seen.pid.to_string(), "Max core file size")[..2] == ["0", "0"]),
    ("its niceness is the launcher's", |seen| nice(seen.pid) == nice(this()) + 1),
    ("what the kernel kills first under want of memory is inherited", |seen| {
        let score = |pid: &str| fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).expect("it runs");
        score(&seen.pid.to_string()) == score("self")
    }),
    ("whether programs may give privileges is inherited", |seen| {
        seen.status("NoNewPrivs") == status("self", "NoNewPrivs")
    }),
    ("the bounding set of capabilities is inherited", |seen| seen.status("CapBnd") == status("self", "CapBnd")),
    ("what the launcher has ruled out for capabilities stays so", |seen| seen.securebits == securebits() | asked_for()),
    ("no timer runs", |seen| fs::read_to_string(format!("/proc/{}/timers", seen.pid)).unwrap_or_default().is_empty()),
];

fn is_asked_for(variable: &str) -> bool {
    let of_test = ["ACTOR_", "DAEMON_TEST_"].iter().any(|prefix| variable.starts_with(prefix));
    of_test || ["HOME", "USER", "LOGNAME"].contains(&variable)
}

fn this() -> i32 {
    Pid::this().as_raw()
}

/// The niceness of a process; proc(5), `/proc/PID/stat`.
fn nice(pid: i32) -> i32 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let (_, after_name) = text.rsplit_once(") ").expect("a name");
    after_name.split(' ').nth(16).and_then(|nice| nice.parse().ok()).expect("a number")
}

/// All that is looked at, at one moment of a daemon's life.
struct Seen {
    pid: i32,
    launcher: i32,
    told: Told,
    /// Of a start whose daemon ends with 3 before it is ready.
    failing: Told,
    after_another_start: Vec<i32>,
    /// Whether what was run was still there when the daemon had begun.
    was_waited_for: bool,
    user: Option<u32>,
    own: Stat,
    stat: Stat,
    open: Vec<(i32, PathBuf, i32)>,
    leaked: Vec<PathBuf>,
    ignored: Vec<i32>,
    blocked: Vec<i32>,
    pending: Vec<i32>,
    variables: Vec<String>,
    securebits: libc::c_int,
    streams: Vec<PathBuf>,
    log: PathBuf,
    cwd: PathBuf,
    root: PathBuf,
    pidfile: String,
}

impl Seen {
    fn status(&self, field: &str) -> String {
        status(&self.pid.to_string(), field)
    }

    fn has_its_privileges(&self) -> bool {
        let Some(user) = self.user else {
            // Nothing was to be dropped: it is who started it.
            return ["Uid", "Gid", "Groups", "CapEff"].iter().all(|field| self.status(field) == status("self", field));
        };
        let is_user = |field: &str| self.status(field).split_whitespace().all(|id| id == user.to_string());
        let is_without = |set: &str| self.status(set).bytes().all(|digit| digit == b'0');
        ["Uid", "Gid", "Groups"].into_iter().all(is_user)
            && ["CapInh", "CapPrm", "CapEff", "CapAmb"].into_iter().all(is_without)
    }

    fn missed(&self) -> Vec<usize> {
        (1..=STEPS.len()).filter(|step| !STEPS[step - 1].1(self)).collect()
    }

    #[track_caller]
    fn assert_clean(&self, which: &str) {
        let missed = STEPS.iter().chain(&MORE).filter(|(_, has)| !has(self)).map(|(step, _)| *step);
        let missed: Vec<_> = missed.collect();
        assert!(missed.is_empty(), "{which}: {missed:#?}");
    }
}

/// A program whose daemon is looked at.
struct Subject {
    anew: Anew,
    built: PathBuf,
    detach: &'static str,
    user: Option<u32>,
}

impl Subject {
    fn new(built: &str, detach: &'static str, user: Option<u32>) -> Self {
        let anew = Anew::new();
        // The daemon's user is to write to them.
        for name in ["environ", "begun", "securebits"] {
            fs::write(anew.home.path(name), "").expect("written");
            fs::set_permissions(anew.home.path(name), fs::Permissions::from_mode(0o666)).expect("it is ours");
        }
        Self { anew, built: built.into(), detach, user }
    }

    /// The program in a role, in surroundings in which every step matters.
    fn program(&self, home: &Home, role: &str) -> Program {
        let program = home.cast(&self.built, role).set("ACTOR_DETACH", self.detach).set("ACTOR_ENV_CLEAR", "true");
        let program = program.set("ACTOR_STDOUT", home.path("log")).set("HARMFUL", "very");
        let program = program.set("ACTOR_ENVIRON", self.anew.home.path("environ"));
        let program = program.set("ACTOR_SECUREBITS", self.anew.home.path("securebits"));
        let program = program.set("ACTOR_BEGUN", self.anew.home.path("begun"));
        let program = program.set("ACTOR_LAUNCHER", home.path("launcher"));
        let program = self.user.into_iter().fold(program, |program, _| program.set("ACTOR_USER", "nobody"));
        let program = leaking(home, blocking(ignoring(program, ignorable().collect()), ignorable().collect()));
        before(program, || {
            // SAFETY: umask(2) takes an integer and cannot fail.
            unsafe { libc::umask(0o111) };
            // SAFETY: nice(2) takes an integer.
            unsafe { libc::nice(1) };
            rule_out()?;
            inheritable_capabilities()
        })
    }

    /// Starts it, and looks at it once it has begun.
    fn begin(&self) -> Seen {
        let home = &self.anew.home;
        let another = Home::new();
        let failing = self.program(&another, "fails").run(&["start"]);
        fs::write(home.path("begun"), "").expect("written");
        let child = self.program(home, "begins-slowly").spawn(&["start"]);
        let launcher = i32::try_from(child.id()).expect("a pid");
        let told = Told::of(child);
        eventually("its beginning", || home.read("begun").ends_with('\n'));
        let was_waited_for = home.read("begun") == "waited for\n";
        let pid = home.pid();
        self.program(home, "begins-slowly").run(&["start"]);
        let seen = self.look(pid, launcher, told, failing);
        Seen { was_waited_for, ..seen }
    }

    fn look(&self, pid: i32, launcher: i32, told: Told, failing: Told) -> Seen {
        let home = &self.anew.home;
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).expect("it runs");
        let folder = home.path("").canonicalize().expect("it is there");
        let standing =
            |fd: &i32| fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok().map(|to| (*fd, to, flags(pid, *fd)));
        let above = numbers_in(&format!("/proc/{pid}/fd")).into_iter().filter(|fd| *fd > 2);
        let blocked = |thread: i32| signals(&format!("{pid}/task/{thread}"), "SigBlk");
        let others = || numbers_in(&format!("/proc/{pid}/task")).into_iter().filter(|thread| *thread != pid);
        // They begin as the first one was, and unblock all by themselves. One that has ended blocks nothing either.
        let is_open = |thread| {
            let told = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).unwrap_or_default();
            told.lines()
                .filter_map(|line| line.strip_prefix("SigBlk:"))
                .all(|mask| mask.trim().bytes().all(|d| d == b'0'))
        };
        eventually("every other thread to block nothing", || others().all(is_open));
        let pending = ["SigPnd", "ShdPnd"].iter().flat_map(|field| signals(&pid.to_string(), field)).collect();
        Seen {
            pid,
            launcher,
            told,
            failing,
            after_another_start: home.processes(),
            was_waited_for: true,
            user: self.user,
            own: Stat::of(this()),
            stat: Stat::of(pid),
            open: above.collect::<Vec<_>>().iter().filter_map(standing).collect(),
            leaked: vec![folder.join("leaked")],
            ignored: signals(&pid.to_string(), "SigIgn"),
            blocked: blocked(pid),
            pending,
            variables: home.lines("environ"),
            securebits: home.read("securebits").parse().unwrap_or(-1),
            streams: (0..3).map(|fd| link(&format!("fd/{fd}"))).collect(),
            log: folder.join("log"),
            cwd: link("cwd"),
            root: link("root"),
            pidfile: home.read("run/actor.pid"),
        }
    }

    /// Begins its program anew, and looks again.
    fn reload(&self, before: Seen) -> Seen {
        fs::write(self.anew.home.path("begun"), "").expect("written");
        eventually("a daemon that hears", || catches(before.pid, Signal::SIGUSR1));
        kill(Pid::from_raw(before.pid), Signal::SIGUSR1).expect("it is there");
        eventually("the next image", || self.anew.home.read("begun").ends_with('\n'));
        self.look(before.pid, before.launcher, before.told, before.failing)
    }
}

/// capabilities(7), "The securebits flags": here, that no capability is made ambient.
const NO_CAP_AMBIENT_RAISE: libc::c_int = 1 << 6;

fn securebits() -> libc::c_int {
    // SAFETY: it asks for flags of this process, and takes no pointer.
    unsafe { libc::prctl(libc::PR_GET_SECUREBITS) }
}

/// What the launcher rules out, which only root can.
fn asked_for() -> libc::c_int {
    if nix::unistd::geteuid().is_root() { NO_CAP_AMBIENT_RAISE } else { 0 }
}

fn rule_out() -> io::Result<()> {
    // SAFETY: it sets flags of this process, and takes no pointer.
    match unsafe { libc::prctl(libc::PR_SET_SECUREBITS, securebits() | asked_for()) } {
        _ if asked_for() == 0 => Ok(()),
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Where we are root: makes a capability inheritable, which the kernel leaves to who gives up root.
fn inheritable_capabilities() -> io::Result<()> {
    const BIND_SERVICE: u32 = 1 << 10;
    let header = [0x2008_0522_u32, 0];
    let mut sets = [0_u32; 6];
    // SAFETY: the header is of version 3, for which the sets have room.
    if unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // Of each word: effective, permitted, inheritable. Only what is permitted can be made so.
    sets[2] |= sets[1] & BIND_SERVICE;
    // SAFETY: as above; they are read.
    match unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whom the daemon can be asked to become.
fn users() -> Vec<Option<u32>> {
    if nix::unistd::geteuid().is_root() { vec![None, Some(NOBODY)] } else { vec![None] }
}

#[test]
fn the_finished_daemon_has_all_fifteen_steps_behind_it_however_it_was_begun() {
    for user in users() {
        for detach in ["true", "exec"] {
            let subject = Subject::new(crate::reload::BUILT, detach, user);
            let subject = Subject { built: subject.anew.home.path("program"), ..subject };
            let which = format!("detach = {detach}, user = {user:?}");
            let seen = subject.begin();
            seen.assert_clean(&which);
            let seen = subject.reload(seen);
            seen.assert_clean(&format!("{which}, after a reload"));
            let seen = subject.reload(seen);
            seen.assert_clean(&format!("{which}, after two of them"));
        }
    }
}

/// The method finds what a program built on the crate daemonize leaves out.
#[test]
fn of_a_daemon_that_daemonize_made_the_missing_steps_are_found() {
    for user in users() {
        let liar = Subject::new(env!("CARGO_BIN_EXE_liar"), "true", user);
        let built = liar.anew.home.reachable(Program(std::process::Command::new(&liar.built))).0;
        let liar = Subject { built: built.get_program().into(), ..liar };
        let missed = liar.begin().missed();
        // It is root's groups that it keeps.
        let expected = if user.is_some() { vec![1, 2, 3, 4, 13, 14, 15] } else { vec![1, 2, 3, 4, 14, 15] };
        assert_eq!(missed, expected, "{user:?}");
    }
}
