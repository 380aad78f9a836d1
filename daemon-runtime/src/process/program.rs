//! A worker that is another program: the daemon starts it, passes signals on to it, and ends with it.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};

use super::session;
use crate::context::Context;
use crate::error::words;
use crate::spec::plan::Plan;
use crate::spec::worker::Ending;
use crate::sys::ear::Ear;
use crate::sys::pidfd::PidFd;
use crate::sys::spawn::die_with_us;

/// The signals that mean the program and not the daemon, unless they are mapped otherwise.
const PASSED_ON: [i32; 4] = [SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH];

/// Runs the program to its end.
pub(super) fn run(program: &OsStr, args: &[OsString], context: &Context, plan: &Plan, mapped: &[i32]) -> Ending {
    let mut command = Command::new(program);
    command.args(args);
    // Not even SIGKILL to the daemon leaves the program behind.
    die_with_us(&mut command);
    let told = |e: &std::io::Error| Ending::failed(format!("cannot run {}: {}", program.to_string_lossy(), words(e)));
    match command.spawn().and_then(|child| Ok((Arc::new(handle(&child)?), child))) {
        Ok((handle, child)) => attend(child, &handle, context, plan.stop_signal, mapped).unwrap_or_else(|e| told(&e)),
        Err(e) => told(&e),
    }
}

fn handle(child: &Child) -> std::io::Result<PidFd> {
    PidFd::open(i32::try_from(child.id()).map_err(std::io::Error::other)?)
}

fn attend(
    mut child: Child,
    handle: &Arc<PidFd>,
    context: &Context,
    stop_signal: i32,
    mapped: &[i32],
) -> std::io::Result<Ending> {
    let is_passed_on = |signal: &i32| *signal != stop_signal && !mapped.contains(signal);
    let ear = Ear::listen(&PASSED_ON.into_iter().filter(is_passed_on).collect::<Vec<_>>())?;
    let listening = Arc::clone(&ear);
    let (program, pid) = (Arc::clone(handle), child.id());
    let pass_on = move || {
        while !listening.is_closed() {
            for signal in listening.wait().into_iter().filter(|signal| handles(pid, *signal)) {
                // One that has ended needs no signal any more.
                let _ = program.signal(signal);
            }
        }
    };
    let (program, asked) = (Arc::clone(handle), context.clone());
    let pass_shutdown_on = move || {
        asked.wait_for_others();
        let _ = program.signal(stop_signal);
    };
    let threads = [
        thread::Builder::new().name("signals".to_owned()).spawn(pass_on)?,
        thread::Builder::new().name("shutdown".to_owned()).spawn(pass_shutdown_on)?,
    ];
    let status = child.wait()?;
    let was_asked = context.is_shutdown();
    ear.close();
    context.stop();
    for thread in threads {
        // Neither panics, and if one did, the panic hook has told it.
        let _ = thread.join();
    }
    Ok(ending(status, was_asked.then_some(stop_signal)))
}

/// The program's end as the daemon's: a program that the stop signal has ended did what was asked of it.
fn ending(status: ExitStatus, asked_by: Option<i32>) -> Ending {
    let number = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) if asked_by == Some(signal) => 0,
        (None, signal) => 128 + signal.unwrap_or_default(),
    };
    Ending { code: u8::try_from(number).unwrap_or(1), error: None }
}

/// Whether the program handles the signal; where it does not, the signal would end it, which nobody wants who sends one of
/// these to a daemon.
fn handles(pid: u32, signal: i32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| session::handles(pid, signal).unwrap_or(false))
}
