//! A directory of a test's own, the programs it runs there, and the end of whatever they left running.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;

/// How long a test waits for what must come. Only a failing test ever waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The account without any rights.
pub const NOBODY: u32 = 65534;

/// The variable by which the processes of a test are found again, whatever has become of them.
const MARK: &str = "DAEMON_TEST_HOME";

/// A test's own directory.
#[derive(Debug)]
pub struct Home(PathBuf);

impl Home {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = loop {
            let name = format!("daemon-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                // Left behind by a run of tests that was killed, and whose number is ours now.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => break made.map(|()| path).expect("the test's directory can be made"),
            }
        };
        fs::create_dir(path.join("run")).expect("the directory is ours");
        // Other accounts must be able to look, whatever the umask is.
        for folder in [path.clone(), path.join("run")] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        Self(path)
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The actor's pidfile. Its folder holds nothing else, so that what is left behind shows.
    pub fn pidfile(&self) -> PathBuf {
        self.path("run/actor.pid")
    }

    /// What is in the pidfile's folder.
    pub fn run_names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("run")).expect("the folder is there");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("an entry").file_name().into_string().expect("a plain name")).collect();
        names.sort();
        names
    }

    /// The number in the pidfile.
    pub fn pid(&self) -> i32 {
        let text = fs::read_to_string(self.pidfile()).expect("the pidfile is there");
        text.strip_suffix('\n').and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("a pid: {text:?}"))
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn lines(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(str::to_owned).collect()
    }

    /// The actor in a role; see `tests/fixtures/actor.rs`.
    pub fn actor(&self, role: &str) -> Program {
        self.cast(Path::new(env!("CARGO_BIN_EXE_actor")), role)
    }

    /// A shell for which `"$ACTOR"` is the actor in a role.
    pub fn shell(&self, role: &str) -> Program {
        self.cast(Path::new("/bin/sh"), role).set("ACTOR", env!("CARGO_BIN_EXE_actor"))
    }

    /// A program that has, and hands on, what makes the actor play a role.
    pub fn cast(&self, program: &Path, role: &str) -> Program {
        self.program(program)
            .set("ACTOR_ROLE", role)
            .set("ACTOR_PIDFILE", self.pidfile())
            .set("ACTOR_NOTES", self.path("notes"))
            .set("ACTOR_LAST_WORDS", self.path("last-words"))
            .set("ACTOR_BIRTHS", self.path("births"))
            .set("ACTOR_GO", self.path("go"))
    }

    /// An example of this repository.
    pub fn example(&self, name: &str) -> Program {
        let path = Path::new(env!("CARGO_BIN_EXE_actor")).with_file_name("examples").join(name);
        assert!(path.exists(), "{} is not built: run `cargo build --examples` first", path.display());
        self.program(&path)
    }

    /// Any program, with this directory as its home and the mark by which it is found again.
    pub fn program(&self, path: &Path) -> Program {
        let mut command = Command::new(path);
        command.env(MARK, &self.0).env("HOME", &self.0).current_dir(&self.0).stdin(Stdio::null());
        command.env_remove("NOTIFY_SOCKET").env_remove("XDG_RUNTIME_DIR").env_remove("XDG_STATE_HOME");
        // SAFETY: between fork and exec these are single system calls, and no handler is named.
        unsafe { command.pre_exec(hear_interrupts) };
        Program(command)
    }

    /// The program as the account `nobody` runs it. Only root can ask for that.
    pub fn as_nobody(&self, program: Program) -> Program {
        let mut program = self.reachable(program);
        program.0.uid(NOBODY).gid(NOBODY);
        program
    }

    /// The same program where every account has a way to it.
    pub fn reachable(&self, program: Program) -> Program {
        let built = Path::new(program.0.get_program());
        // That account may have no way to where the programs are built. Another process makes the copy: a descriptor of
        // ours that can write to it could be in a child of another test, and the copy would be "busy".
        let copy = self.path(built.file_name().and_then(|name| name.to_str()).expect("a plain name"));
        if !copy.exists() {
            let made = Command::new("install").args(["-m", "755"]).args([built, &copy]).status();
            assert!(made.is_ok_and(|status| status.success()), "{} can be copied", built.display());
        }
        let mut command = Command::new(copy);
        for (key, value) in program.0.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        command.args(program.0.get_args()).current_dir(&self.0).stdin(Stdio::null());
        // SAFETY: between fork and exec these are single system calls, and no handler is named.
        unsafe { command.pre_exec(hear_interrupts) };
        Program(command)
    }

    /// No two lone actors were ever at work at the same time.
    pub fn assert_never_two(&self) {
        assert!(!self.lines("notes").contains(&"not alone".to_owned()), "two daemons: {}", self.read("notes"));
    }

    /// The processes that any program of this test left running.
    pub fn processes(&self) -> Vec<i32> {
        numbers_in("/proc").into_iter().filter(|pid| self.is_process(*pid)).collect()
    }

    /// Whether it is a process of this test.
    pub fn is_process(&self, pid: i32) -> bool {
        let mark = format!("{MARK}={}", self.0.display());
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    }

    /// Lets a role that waits for it go on.
    pub fn go(&self) {
        fs::write(self.path("go"), "").expect("written");
    }

    /// Nothing is left: no process, no claim, no pidfile.
    pub fn assert_nothing_left(&self) {
        eventually("every process to be gone", || self.processes().is_empty());
        assert_eq!(self.run_names(), Vec::<String>::new());
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let left = self.processes();
            if left.is_empty() {
                break;
            }
            for pid in left {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A runner of tests in the background of a script, or under nohup, ignores what the programs are to hear.
fn hear_interrupts() -> std::io::Result<()> {
    for interrupt in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP] {
        // SAFETY: the default is no handler, so no code runs in signal context.
        unsafe { signal(interrupt, SigHandler::SigDfl) }?;
    }
    Ok(())
}

/// A program about to be run.
#[derive(Debug)]
pub struct Program(pub Command);

impl Program {
    /// Sets a variable of its environment.
    pub fn set(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(key, value);
        self
    }

    /// Runs it to its end. It has ended for us when its output has, so a daemon that kept a pipe open would be noticed.
    pub fn run(mut self, words: &[&str]) -> Told {
        self.0.args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.0.spawn().expect("the program runs");
        Told::of(child)
    }

    /// Starts it without waiting for its end.
    pub fn spawn(mut self, words: &[&str]) -> Child {
        self.0.args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.0.spawn().expect("the program runs")
    }
}

/// What a program told: its exit code as a shell shows it, and both its streams.
#[derive(Debug)]
pub struct Told {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Told {
    /// Waits for the end of a program and of its output.
    pub fn of(child: Child) -> Self {
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        let (done, is_done) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let output = child.wait_with_output();
            let _ = done.send(());
            output
        });
        if is_done.recv_timeout(PATIENCE).is_err() {
            let _ = kill(pid, Signal::SIGKILL);
            panic!("pid {pid} or somebody who has its output is still there after {PATIENCE:?}");
        }
        Self::from(reader.join().expect("joined").expect("its output"))
    }

    /// Waits for the end of a program, of whose output another process may have a part.
    pub fn of_pid(mut child: Child) -> i32 {
        eventually("the end of the program", || child.try_wait().expect("it is our child").is_some());
        child.wait().expect("it is our child").code().unwrap_or(-1)
    }

    #[track_caller]
    pub fn assert(&self, code: i32, stdout: &str, stderr: &str) {
        assert_eq!((self.code, self.stdout.as_str(), self.stderr.as_str()), (code, stdout, stderr));
    }
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let code = output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Waits until it is so.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The entries of a folder that are numbers.
pub fn numbers_in(folder: &str) -> Vec<i32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether a process has ended with all its threads, and so let go of its locks. Its environment is gone a moment earlier.
pub fn is_over(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_alive = stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']));
    !is_alive && numbers_in(&format!("/proc/{pid}/task")).len() <= 1
}

/// Whether a process has a handler of its own for the signal: until it has, the signal would just end it.
pub fn catches(pid: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    caught & (1 << (signal as i32 - 1)) != 0
}

/// Whether a test that needs root may go on; says so where it may not.
pub fn is_root(test: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        // Not by `eprintln!`, which the test runner keeps to itself where nothing fails.
        let _ = writeln!(std::io::stderr(), "skipped: {test} needs root");
    }
    root
}
