//! Programs under ptrace(2), with all the processes and threads that they make: every system call of theirs is seen before
//! it is done, known by its place, and at one place a fault can be made to happen.

mod tracee;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use self::tracee::{Answer, Tracee};
use crate::call::{Call, Place, Target};
use crate::fault::Fault;

/// How long a process stands still.
const DELAY: Duration = Duration::from_millis(500);

/// How often one looks whether all are still at rest, a millisecond apart.
const LOOKS: u32 = 12;

/// A call that was seen.
#[derive(Debug, Clone)]
pub struct Made {
    pub place: Place,
    pub call: Call,
    /// Whether the program's `main` had begun by then; what comes before is the loader's.
    pub in_main: bool,
}

/// Where a fault is to happen, and whom to tell when it does.
pub struct Aim<'a> {
    pub place: Place,
    pub fault: Fault,
    pub on_hit: &'a mut dyn FnMut(),
}

/// What came of an action.
#[derive(Debug)]
pub struct Seen {
    pub calls: Vec<Made>,
    /// Whether the place of the fault was come to.
    pub hit: bool,
    /// The exit code of the program that was run, as a shell shows it.
    pub code: i32,
}

/// All that one thread traces. When the thread ends, the kernel lets go of whatever is left, and it runs on.
#[derive(Default)]
pub struct Tracer {
    tracees: HashMap<Pid, Tracee>,
    /// Stands still until then.
    delayed: Vec<(Pid, Instant)>,
    calls: Vec<Made>,
    hit: bool,
}

impl Tracer {
    /// Runs a program until it has ended and everybody who is left is at rest.
    pub fn run(&mut self, mut command: Command, mut aim: Option<Aim<'_>>) -> io::Result<Seen> {
        self.tracees.values_mut().for_each(Tracee::grow_old);
        // SAFETY: between fork and exec this is one system call.
        unsafe { command.pre_exec(|| Ok(ptrace::traceme()?)) };
        let child = command.spawn()?;
        let root = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        // It stands still at its first instruction, until its options are set.
        waitpid(root, Some(WaitPidFlag::__WALL))?;
        let each = Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK | Options::PTRACE_O_TRACECLONE;
        ptrace::setoptions(root, each | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_TRACESYSGOOD)?;
        self.tracees.insert(root, Tracee::root(root));
        go_on(root, None);
        let mut code = None;
        while code.is_none() || !self.is_at_rest() {
            self.end_delays();
            let Some(status) = self.next(code.is_some())? else { continue };
            if let Some(ended) = ended(status).filter(|(pid, _)| *pid == root) {
                code = Some(ended.1);
            }
            self.on(status, &mut aim)?;
        }
        let (calls, hit) = (std::mem::take(&mut self.calls), std::mem::take(&mut self.hit));
        Ok(Seen { calls, hit, code: code.unwrap_or(-1) })
    }

    /// The next thing that happens to any of them. Other threads' children are not looked at. Nothing, where nothing need
    /// ever happen again.
    fn next(&self, is_root_over: bool) -> io::Result<Option<WaitStatus>> {
        let any = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let may_be_all = is_root_over && self.tracees.values().all(Tracee::is_resting);
        let is_sure = self.delayed.is_empty() && !may_be_all;
        match wait(if is_sure { any } else { any | WaitPidFlag::WNOHANG }) {
            Ok(News::Known(WaitStatus::StillAlive)) | Err(Errno::EINTR) => {
                thread::sleep(Duration::from_millis(1));
                Ok(None)
            }
            Ok(News::Known(status)) => Ok(Some(status)),
            Ok(News::Nameless(pid, signal)) => {
                // SAFETY: the kernel is given numbers, and touches no memory of ours.
                unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid.as_raw(), 0, libc::c_long::from(signal)) };
                Ok(None)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    fn end_delays(&mut self) {
        let now = Instant::now();
        let (over, left): (Vec<_>, Vec<_>) = self.delayed.drain(..).partition(|(_, until)| *until <= now);
        self.delayed = left;
        over.into_iter().for_each(|(pid, _)| go_on(pid, None));
    }

    /// Whether nobody does anything any more, as far as can be seen: all sleep in calls that may last for ever.
    fn is_at_rest(&self) -> bool {
        let sleeps = |(pid, tracee): (&Pid, &Tracee)| tracee.is_resting() && is_asleep(*pid);
        for _ in 0..LOOKS {
            if self.tracees.is_empty() {
                return true;
            }
            if is_there_news() || !self.delayed.is_empty() || !self.tracees.iter().all(sleeps) {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    fn on(&mut self, status: WaitStatus, aim: &mut Option<Aim<'_>>) -> io::Result<()> {
        match status {
            WaitStatus::PtraceSyscall(pid) => self.on_call(pid, aim),
            WaitStatus::PtraceEvent(pid, _, event) => self.on_event(pid, event),
            WaitStatus::Stopped(pid, Signal::SIGSTOP) if self.is_new(pid) => self.on_birth(pid),
            WaitStatus::Stopped(pid, signal) => go_on(pid, Some(signal)),
            WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..) => {
                self.tracees.remove(&pid);
                self.delayed.retain(|(delayed, _)| *delayed != pid);
            }
            other => return Err(io::Error::other(format!("unexpected: {other:?}"))),
        }
        Ok(())
    }

    fn is_new(&self, pid: Pid) -> bool {
        self.tracees.get(&pid).is_none_or(|tracee| !tracee.has_begun)
    }

    /// A child stands at its first instruction. It goes on when its parent has told who it is.
    fn on_birth(&mut self, pid: Pid) {
        if let Some(tracee) = self.tracees.get_mut(&pid) {
            tracee.has_begun = true;
            go_on(pid, None);
        } else {
            self.tracees.insert(pid, Tracee::unknown(pid));
        }
    }

    fn on_event(&mut self, pid: Pid, event: i32) {
        let message = ptrace::getevent(pid).ok().and_then(|message| i32::try_from(message).ok()).map(Pid::from_raw);
        match message {
            Some(former) if event == Event::PTRACE_EVENT_EXEC as i32 => {
                // Whichever thread has called exec(2) goes on under the number of the process.
                let mut tracee = self.tracees.remove(&former).unwrap_or_else(|| Tracee::unknown(pid));
                tracee.begin_image(pid);
                self.tracees.insert(pid, tracee);
            }
            Some(child) => {
                let is_thread = event == Event::PTRACE_EVENT_CLONE as i32;
                let of_parent = self.tracees.get_mut(&pid).map(|parent| parent.child(child, is_thread));
                let has_stopped = self.tracees.contains_key(&child);
                if let Some(mut tracee) = of_parent {
                    tracee.has_begun = has_stopped;
                    self.tracees.insert(child, tracee);
                }
                if has_stopped {
                    go_on(child, None);
                }
            }
            None => {}
        }
        go_on(pid, None);
    }

    fn on_call(&mut self, pid: Pid, aim: &mut Option<Aim<'_>>) {
        let (Ok(info), Some(tracee)) = (ptrace::syscall_info(pid), self.tracees.get_mut(&pid)) else { return };
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            tracee.leave();
            go_on(pid, None);
            return;
        }
        // SAFETY: `op` says that this is the member which the kernel has filled in.
        let entry = unsafe { info.u.entry };
        let number = i64::try_from(entry.nr).unwrap_or(-1);
        let call = Call { number, arguments: entry.args, on: target(pid, number, entry.args[0]) };
        let place = tracee.enter(call);
        self.calls.push(Made { place: place.clone(), call, in_main: tracee.in_main });
        match aim {
            Some(aim) if aim.place == place && !self.hit => {
                self.hit = true;
                self.strike(pid, call, aim.fault);
                (aim.on_hit)();
            }
            _ => go_on(pid, None),
        }
    }

    fn strike(&mut self, pid: Pid, call: Call, fault: Fault) {
        let Some(tracee) = self.tracees.get_mut(&pid) else { return };
        match fault {
            Fault::Error(errno) if call.number == libc::SYS_close => tracee.answer(Answer::AfterAll(errno)),
            Fault::Error(errno) => tracee.answer(Answer::Instead(errno)),
            Fault::Short => tracee.write_one_byte(),
            Fault::Kill => {
                let _ = kill(tracee.process, Signal::SIGKILL);
            }
            Fault::KillAll => {
                for tracee in self.tracees.values() {
                    let _ = kill(tracee.process, Signal::SIGKILL);
                }
            }
            Fault::Delay => {
                self.delayed.push((pid, Instant::now() + DELAY));
                return;
            }
        }
        go_on(pid, None);
    }
}

/// What has happened to one of them.
enum News {
    Known(WaitStatus),
    /// It stands still because of a real-time signal, which has a number only.
    Nameless(Pid, i32),
}

/// waitpid(2) for any of them.
fn wait(flags: WaitPidFlag) -> nix::Result<News> {
    let mut status = 0;
    // SAFETY: the kernel writes one number, which is there.
    let pid = Errno::result(unsafe { libc::waitpid(-1, &raw mut status, flags.bits()) })?;
    if pid == 0 {
        return Ok(News::Known(WaitStatus::StillAlive));
    }
    let pid = Pid::from_raw(pid);
    match WaitStatus::from_raw(pid, status) {
        Err(Errno::EINVAL) if libc::WIFSTOPPED(status) => Ok(News::Nameless(pid, libc::WSTOPSIG(status))),
        Err(Errno::EINVAL) if libc::WIFSIGNALED(status) => {
            Ok(News::Known(WaitStatus::Exited(pid, 128 + libc::WTERMSIG(status))))
        }
        known => known.map(News::Known),
    }
}

/// What a call reads from or writes to.
fn target(pid: Pid, number: i64, descriptor: u64) -> Target {
    if !matches!(number, libc::SYS_read | libc::SYS_write) {
        return Target::File;
    }
    match fs::read_link(format!("/proc/{pid}/fd/{descriptor}")) {
        Ok(path) if path.is_absolute() => Target::File,
        _ => Target::Memory,
    }
}

fn is_there_news() -> bool {
    let kinds = WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    let peek = WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::All, kinds | peek), Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD))
}

/// Lets it run to its next call. One that was killed meanwhile is heard of by its end.
fn go_on(pid: Pid, signal: Option<Signal>) {
    let _ = ptrace::syscall(pid, signal);
}

fn ended(status: WaitStatus) -> Option<(Pid, i32)> {
    match status {
        WaitStatus::Exited(pid, code) => Some((pid, code)),
        WaitStatus::Signaled(pid, signal, _) => Some((pid, 128 + signal as i32)),
        _ => None,
    }
}

fn is_asleep(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A thread that has ended while others live has no other state to come.
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['S', 'Z']))
}
