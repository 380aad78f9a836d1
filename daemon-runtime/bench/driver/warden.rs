//! Nothing of a run is left behind, however it ends.
//!
//! The process that cargo runs is only the *warden*: it starts itself again to measure, adopts every daemon that is left by
//! its launcher (as init would), and when the one that measures has ended, of itself or by Ctrl-C, a panic, a kill, it kills
//! what is left, and removes the run's folder.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Says to the one that measures that it is that, and where.
const FOLDER: &str = "DAEMON_BENCH_FOLDER";

/// Calls `work` in a process of its own, with a folder of its own.
pub fn guarded(parent: Option<&Path>, work: impl FnOnce(&Path) -> Result<(), String>) -> ExitCode {
    let result = match env::var_os(FOLDER) {
        None => watch(parent).map_err(|error| error.to_string()),
        Some(folder) => {
            // SAFETY of what follows is the kernel's: who measures must not outlive who cleans up.
            let _ = set_pdeathsig(Signal::SIGTERM);
            work(Path::new(&folder)).map(|()| ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|reason| {
        eprintln!("error: {reason}");
        ExitCode::FAILURE
    })
}

fn watch(parent: Option<&Path>) -> io::Result<ExitCode> {
    let parent = parent.map_or_else(env::temp_dir, Path::to_owned);
    let folder = tempfile::Builder::new().prefix("daemon-bench-").tempdir_in(parent)?;
    set_child_subreaper(true)?;
    close_on_exec()?;
    let measuring =
        Command::new(env::current_exe()?).args(env::args_os().skip(1)).env(FOLDER, folder.path()).spawn()?;
    // A terminal's Ctrl-C is for the one that measures. After it was begun: what is ignored would stay so.
    for interrupt in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        // SAFETY: no handler of ours is installed.
        unsafe { signal(interrupt, SigHandler::SigIgn) }?;
    }
    let code = outlive(Pid::from_raw(measuring.id().cast_signed()));
    end_children();
    fs::remove_dir_all(folder.keep())?;
    Ok(code)
}

/// What whoever runs the benchmarks has leaked to us is not to be closed by every daemon that is measured.
fn close_on_exec() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        if let Some(fd) = entry?.file_name().to_str().and_then(|name| name.parse().ok()).filter(|fd| *fd > 2) {
            // SAFETY: touches no memory, and whose descriptor it is does not matter before this program has any.
            unsafe { nix::libc::fcntl(fd, nix::libc::F_SETFD, nix::libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}

/// Waits for its end, and for that of all daemons meanwhile.
fn outlive(measuring: Pid) -> ExitCode {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == measuring => return ExitCode::from(code as u8),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == measuring => return ExitCode::from(128 + signal as u8),
            Err(nix::errno::Errno::ECHILD) => return ExitCode::FAILURE,
            _ => {}
        }
    }
}

/// Kills all children, and those that they leave, until there are none.
fn end_children() {
    let own = format!("/proc/self/task/{}/children", nix::unistd::gettid());
    while let Ok(children) = fs::read_to_string(&own) {
        let children: Vec<i32> = children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
        for pid in &children {
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        if children.is_empty() || waitpid(None, None).is_err() {
            return;
        }
    }
}
