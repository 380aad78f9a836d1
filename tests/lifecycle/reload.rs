//! A reload begins the program anew in the same process, and nobody outside notices.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Home, Program, Told, catches, eventually};

pub const BUILT: &str = env!("CARGO_BIN_EXE_anew");

/// The daemon of `tests/fixtures/anew.rs`, as a program in the test's directory that can be replaced.
pub struct Anew {
    pub home: Home,
    program: PathBuf,
}

impl Anew {
    pub fn new() -> Self {
        let home = Home::new();
        let program = home.path("program");
        install(&program);
        Self { home, program }
    }

    pub fn program(&self, role: &str) -> Program {
        self.home.cast(&self.program, role).set("ACTOR_STDOUT", self.home.path("log"))
    }

    pub fn run(&self, words: &[&str]) -> Told {
        self.program("").run(words)
    }

    /// Starts it in the background, by these words after `start`.
    pub fn start(&self, role: &str, words: &[&str]) -> i32 {
        let told = self.program(role).run(&[&["start"], words].concat());
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        self.home.pid()
    }

    /// Puts another file in the program's place, as an update does; the inode of the new one.
    pub fn replace(&self) -> u64 {
        let next = self.home.path("next");
        install(&next);
        let inode = next.metadata().expect("it is there").ino();
        fs::rename(next, &self.program).expect("renamed");
        inode
    }

    /// Which images of the program there were: their inodes, and what else they said of themselves.
    pub fn images(&self) -> Vec<(u64, String)> {
        let line = |line: String| {
            let (inode, rest) = line.strip_prefix("image ")?.split_once(' ')?;
            Some((inode.parse().expect("a number"), rest.to_owned()))
        };
        self.home.lines("log").into_iter().filter_map(line).collect()
    }

    /// Asks for a reload, and waits until there is the next image.
    pub fn reload(&self, pid: i32) {
        let so_far = self.images().len();
        self.ask(pid);
        eventually("the next image", || self.images().len() > so_far);
    }

    /// Asks for a reload.
    pub fn ask(&self, pid: i32) {
        eventually("an image that hears", || catches(pid, Signal::SIGUSR1));
        kill(Pid::from_raw(pid), Signal::SIGUSR1).expect("it is there");
    }
}

// Another process makes the copy: a descriptor of ours that can write to it could be in a child of another test.
fn install(to: &PathBuf) {
    let made = Command::new("install").args(["-m", "755", BUILT]).arg(to).status();
    assert!(made.is_ok_and(|status| status.success()), "{BUILT} can be copied");
}

pub fn inode_of(home: &Home, name: &str) -> u64 {
    home.path(name).metadata().expect("it is there").ino()
}

fn stat(pid: i32) -> Vec<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
    stat.rsplit_once(") ").expect("as in proc(5)").1.split(' ').map(str::to_owned).collect()
}

/// What nobody outside may see change: parent, group, session, terminal and start time, claim and pidfile, and whatever the
/// standard streams are.
pub fn identity(home: &Home, pid: i32) -> String {
    let stat = stat(pid);
    let streams = [0, 1, 2].map(|fd| fs::read_link(format!("/proc/{pid}/fd/{fd}")).expect("open"));
    let files = ["run/actor.pid", "run/actor.pid.claim"].map(|name| inode_of(home, name));
    let times = ["create_time", "session"].join(",");
    let told = Anew { home: Home::new(), program: BUILT.into() };
    let status = told.program("").set("ACTOR_PIDFILE", home.pidfile()).run(&["status", "--json", "--fields", &times]);
    format!("{:?} {} {streams:?} {files:?} {:?} {}", &stat[1..5], stat[19], home.run_names(), status.stdout)
}

/// How many open descriptors a process has.
pub fn descriptors(pid: i32) -> Vec<String> {
    let mut open: Vec<_> = crate::home::numbers_in(&format!("/proc/{pid}/fd"))
        .into_iter()
        .filter_map(|fd| fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok())
        // Sockets and the like have numbers of their own.
        .map(|target| target.display().to_string().split(':').next().unwrap_or_default().to_owned())
        .collect();
    open.sort();
    open
}

#[test]
fn a_reload_runs_the_program_as_it_is_now_on_disk_with_the_same_words() {
    let anew = Anew::new();
    let pid = anew.start("", &["--tone", "two words"]);
    let words = format!("{pid} two words {:?}", ["start", "--tone", "two words"]);
    let first = inode_of(&anew.home, "program");
    assert_eq!(anew.images(), [(first, words.clone())]);
    let second = anew.replace();
    anew.reload(pid);
    assert_eq!(anew.images(), [(first, words.clone()), (second, words.clone())]);
    let third = anew.replace();
    anew.reload(pid);
    assert_eq!(anew.images()[2], (third, words));
}

#[test]
fn twenty_reloads_change_nothing_that_can_be_seen_from_outside() {
    let anew = Anew::new();
    let pid = anew.start("", &[]);
    let (before, open) = (identity(&anew.home, pid), descriptors(pid));
    for _ in 0..20 {
        anew.reload(pid);
        assert_eq!(identity(&anew.home, pid), before);
        assert_eq!(anew.home.processes(), [pid]);
    }
    eventually("all threads of the last image", || catches(pid, Signal::SIGTERM));
    eventually("the descriptors that there were", || descriptors(pid) == open);
    assert_eq!(anew.home.read("last-words"), "");
    anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    anew.home.assert_nothing_left();
    assert_eq!(anew.home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

/// What becomes of a program on disk.
type Spoil = fn(&Anew);

#[test]
fn a_program_that_cannot_be_begun_is_an_error_and_the_daemon_goes_on_as_it_was() {
    let gone = |anew: &Anew| fs::remove_file(&anew.program).expect("removed");
    let garbled = |anew: &Anew| {
        let next = anew.home.path("next");
        fs::write(&next, "no program").expect("written");
        fs::set_permissions(&next, fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::rename(next, &anew.program).expect("renamed");
    };
    let closed = |anew: &Anew| {
        fs::set_permissions(&anew.program, fs::Permissions::from_mode(0o644)).expect("it is ours");
    };
    let rows: [(Spoil, &str); 3] =
        [(gone, "No such file or directory"), (garbled, "Exec format error"), (closed, "Permission denied")];
    for (spoil, reason) in rows {
        let anew = Anew::new();
        let pid = anew.start("", &[]);
        let before = identity(&anew.home, pid);
        spoil(&anew);
        anew.ask(pid);
        let error = format!("cannot begin {} anew: {reason}", anew.program.display());
        eventually("the error", || anew.home.lines("log").len() == 3);
        assert_eq!(anew.home.lines("log")[1..], [error, "changed: []".to_owned()]);
        assert_eq!(identity(&anew.home, pid), before);
        // It can be tried again, and ended in order.
        anew.replace();
        anew.reload(pid);
        anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        anew.home.assert_nothing_left();
    }
}

#[test]
fn a_reload_from_another_thread_keeps_the_pid_too() {
    let anew = Anew::new();
    let pid = anew.start("apart", &[]);
    let before = identity(&anew.home, pid);
    for _ in 0..5 {
        anew.reload(pid);
        assert_eq!(identity(&anew.home, pid), before);
    }
    anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    anew.home.assert_nothing_left();
    assert_eq!(anew.home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
}

#[test]
fn before_the_daemon_is_ready_a_reload_is_refused() {
    let anew = Anew::new();
    anew.start("early", &[]);
    let refusal = "the start is not over yet: a reload is possible once the daemon is ready";
    assert_eq!(anew.home.lines("log")[1], refusal);
    assert_eq!(anew.images().len(), 1);
}

/// A daemon in the foreground, ready.
fn in_the_foreground(anew: &Anew, words: &[&str]) -> (Child, i32) {
    let child = anew.program("").spawn(words);
    let pid = i32::try_from(child.id()).expect("a pid");
    eventually("the pidfile", || anew.home.pidfile().exists());
    eventually("its handlers", || catches(pid, Signal::SIGUSR1) && catches(pid, Signal::SIGTERM));
    (child, pid)
}

#[test]
fn a_reload_works_in_the_foreground_too_and_the_streams_stay() {
    for words in [&["run", "--tone", "a"][..], &["start", "--foreground", "--tone", "a"]] {
        let anew = Anew::new();
        let (child, pid) = in_the_foreground(&anew, words);
        let (before, image) = (stat(pid)[1..5].to_vec(), fs::read_link(format!("/proc/{pid}/fd/1")).expect("open"));
        for _ in 0..5 {
            // A new image hears as soon as it has its threads.
            let exe = || fs::metadata(format!("/proc/{pid}/exe")).map_or(0, |exe| exe.ino());
            eventually("an image that hears", || catches(pid, Signal::SIGUSR1) && catches(pid, Signal::SIGTERM));
            let next = anew.replace();
            kill(Pid::from_raw(pid), Signal::SIGUSR1).expect("it is there");
            eventually("the next image", || exe() == next);
            assert!(anew.run(&["status"]).stdout.starts_with(&format!("actor -- pid: {pid}, status: running, ")));
        }
        assert_eq!(
            (stat(pid)[1..5].to_vec(), fs::read_link(format!("/proc/{pid}/fd/1")).expect("open")),
            (before, image)
        );
        eventually("its handlers", || catches(pid, Signal::SIGTERM));
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it is there");
        let told = Told::of(child);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        let images: Vec<_> = told.stdout.lines().filter(|line| line.starts_with("image ")).collect();
        assert_eq!(images.len(), 6, "{told:?}");
        assert!(images.iter().all(|image| image.ends_with(&format!(" {pid} a {words:?}"))), "{told:?}");
        assert_eq!(anew.home.lines("last-words"), ["Terminated by SIGTERM (15) [0]"]);
        anew.home.assert_nothing_left();
    }
}

#[test]
fn at_a_reload_the_hooks_of_the_stages_that_are_done_again_are_called_again() {
    let anew = Anew::new();
    let told = anew.program("").set("ACTOR_HOOKS", "").run(&["start"]);
    assert_eq!(told.code, 0, "{told:?}");
    let at_the_start = anew.home.lines("notes").len();
    anew.reload(anew.home.pid());
    let stages = ["umask", "workdir", "pidfile", "signals"];
    let expected = stages.map(|stage| [format!("before {stage}"), format!("after {stage}")]).concat();
    assert_eq!(anew.home.lines("notes")[at_the_start..], expected);
}

#[test]
fn a_child_that_inherits_nothing_of_a_handover_is_a_launcher_as_any_other() {
    let anew = Anew::new();
    let pid = anew.start("", &[]);
    anew.reload(pid);
    eventually("an image that hears", || catches(pid, Signal::SIGTERM));
    // What the new image was told stands in its environment for all to see, and must mean nobody else.
    let environ = fs::read(format!("/proc/{pid}/environ")).expect("it is ours");
    let variables = environ.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
    let inherit = |program: Program, (key, value)| program.set(key, value);
    let inherited = variables.filter_map(|variable| variable.split_once('=')).fold(anew.program(""), inherit);
    assert!(inherited.run(&["status"]).stdout.starts_with(&format!("actor -- pid: {pid}, status: running, ")));
    anew.run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    anew.home.assert_nothing_left();
}

#[test]
fn a_child_that_the_daemon_has_forked_cannot_begin_it_anew_and_takes_nothing_from_it() {
    let home = Home::new();
    assert_eq!(home.actor("forks-and-reloads").run(&["start"]).code, 0);
    let pid = home.pid();
    eventually("the child's answer", || !home.lines("notes").is_empty());
    let told = "this process was forked by the daemon's worker: only the daemon itself can begin the program anew";
    assert_eq!(home.lines("notes"), [told]);
    let again = home.actor("ready").run(&["start"]);
    again.assert(0, "", &format!("warning: actor is already running with pid {pid}\n"));
    home.actor("ready").run(&["stop", "--force"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}
