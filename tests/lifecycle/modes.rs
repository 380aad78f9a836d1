//! Nothing that is left is ever more open than in the end: all files are looked at whenever one of the processes of a start
//! enters or leaves a system call.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::home::{Home, Program, is_root};
use crate::settings::{before, program};

/// All modes that each file below a folder has had, by its inode and by what its last name was.
#[derive(Debug, Default)]
struct Seen(BTreeMap<u64, (String, Vec<u32>)>);

impl Seen {
    fn look(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(found) = entry.path().symlink_metadata() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            let (last, modes) = self.0.entry(found.ino()).or_default();
            *last = name;
            let mode = found.mode() & 0o7777;
            if modes.last() != Some(&mode) {
                modes.push(mode);
            }
            if found.is_dir() {
                self.look(&entry.path());
            }
        }
    }

    /// The names of those that were more open at some time than they are now.
    fn opened(&self) -> Vec<&str> {
        let is_opened = |modes: &[u32]| modes.last().is_some_and(|end| modes.iter().any(|mode| mode & !end != 0));
        self.0.values().filter(|(_, modes)| is_opened(modes)).map(|(name, _)| name.as_str()).collect()
    }

    fn end(&self, name: &str) -> Option<u32> {
        let (_, modes) = self.0.values().find(|(last, _)| last == name)?;
        modes.last().copied()
    }
}

/// Runs the program to its end, and looks at the folder at every system call of its and of all whom it forks.
fn watch(folder: &Path, mut program: Program, words: &[&str]) -> (i32, Seen) {
    program.0.args(words).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: it is a single system call.
    unsafe { program.0.pre_exec(|| Ok(ptrace::traceme()?)) };
    let first = Pid::from_raw(program.0.spawn().expect("it runs").id().cast_signed());
    // Only those of this thread: other tests have children, too.
    let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    let mut seen = Seen::default();
    let mut signal: Option<Signal>;
    loop {
        let status = waitpid(None, Some(flags)).expect("somebody is left");
        let pid = match status {
            WaitStatus::Exited(pid, code) if pid == first => return (code, seen),
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => continue,
            WaitStatus::Stopped(pid, Signal::SIGTRAP | Signal::SIGSTOP) | WaitStatus::PtraceEvent(pid, ..) => {
                let all = Options::PTRACE_O_TRACESYSGOOD
                    | Options::PTRACE_O_TRACEFORK
                    | Options::PTRACE_O_TRACEVFORK
                    | Options::PTRACE_O_TRACECLONE
                    | Options::PTRACE_O_TRACEEXEC
                    | Options::PTRACE_O_EXITKILL;
                // One that was killed meanwhile is heard of next.
                let _ = ptrace::setoptions(pid, all);
                signal = None;
                pid
            }
            WaitStatus::Stopped(pid, other) => {
                signal = Some(other);
                pid
            }
            WaitStatus::PtraceSyscall(pid) => {
                seen.look(folder);
                signal = None;
                pid
            }
            other => panic!("{other:?}"),
        };
        let _ = ptrace::syscall(pid, signal);
    }
}

fn under_no_umask(program: Program) -> Program {
    before(program, || {
        umask(Mode::empty());
        Ok(())
    })
}

#[test]
fn no_file_is_ever_more_open_than_in_the_end() {
    for detach in ["true", "exec"] {
        let home = Home::new();
        let actor = home.actor("ready").set("ACTOR_DETACH", detach).set("ACTOR_STDOUT", home.path("run/log/out"));
        let (code, seen) = watch(&home.path("run"), under_no_umask(actor), &["start"]);
        assert_eq!((code, seen.opened()), (0, Vec::new()), "{detach}: {seen:?}");
        let ends = ["actor.pid", "actor.pid.claim", "out"].map(|name| seen.end(name));
        assert_eq!(ends, [Some(0o644), Some(0o600), Some(0o640)], "{detach}");
    }
}

#[test]
fn no_file_of_a_daemon_that_becomes_another_user_is_ever_more_open_than_in_the_end() {
    if !is_root("no_file_of_a_daemon_that_becomes_another_user_is_ever_more_open_than_in_the_end") {
        return;
    }
    for detach in ["auto", "exec"] {
        let home = Home::new();
        let (pidfile, out) = (home.path("run/of/settings.pid"), home.path("run/log/out"));
        let settings = &[
            ("USER", "nobody"),
            ("PIDFILE", pidfile.to_str().expect("text")),
            ("STDOUT", out.to_str().expect("text")),
            ("DETACH", detach),
        ];
        let (code, seen) = watch(&home.path("run"), under_no_umask(program(&home, settings)), &["start"]);
        assert_eq!((code, seen.opened()), (0, Vec::new()), "{detach}: {seen:?}");
        let ends = ["settings.pid", "settings.pid.claim", "out"].map(|name| seen.end(name));
        assert_eq!(ends, [Some(0o644), Some(0o600), Some(0o640)], "{detach}");
    }
}

#[test]
fn the_method_finds_a_file_that_is_closed_too_late() {
    let home = Home::new();
    let shell = home.shell("");
    let (code, seen) = watch(&home.path("run"), under_no_umask(shell), &["-c", ": >run/log; chmod 640 run/log"]);
    assert_eq!((code, seen.opened()), (0, vec!["log"]));
}
