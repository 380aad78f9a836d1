//! The daemon: the process that is left when launcher and session leader are gone.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Instant;

use super::agreement::Agreement;
use super::pidfile::PidFile;
use super::stages::{Failure, Prepared, Role, Stage};
use super::startup::{DaemonEnd, Word};
use super::streams::Streams;
use super::watcher::{Watcher, Watching};
use super::{end, work};
use crate::context::Context;
use crate::spec::plan::Plan;
use crate::spec::{Job, Spec};
use crate::sys::disposition::{self, ChildrenStay};
use crate::sys::exit;

/// What the launcher has made for the daemon.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) pidfile: PidFile,
    pub(crate) prepared: Prepared,
    pub(crate) streams: Streams,
    /// For the two who wait for a child; the daemon has its own way with SIGCHLD back.
    pub(crate) children: ChildrenStay,
}

/// The life of the daemon, from the second fork to its end.
#[allow(clippy::exit, reason = "in the daemon the call never returns")]
pub(crate) fn live(spec: &Spec, plan: &Plan, kit: Kit, channel: DaemonEnd) -> ! {
    drop(kit.children);
    let pidfile = Arc::new(kit.pidfile);
    let session = nix::unistd::getsid(None).map_or(0, nix::unistd::Pid::as_raw);
    let mut keep = kit.streams.descriptors();
    keep.extend(pidfile.descriptors());
    keep.push(channel.as_fd().as_raw_fd());
    let staged = kit.prepared.run(plan, &pidfile, Role::Daemon { session }, &keep);
    let redirected = staged.and_then(|()| kit.streams.redirect().map_err(|e| (Stage::Streams, e)));
    let stderr = match redirected {
        Ok(stderr) => stderr,
        Err(failure) => fail(&channel, &pidfile, &failure),
    };
    let agreement = Arc::new(Agreement::with_launcher(plan.ready, channel, stderr, Arc::clone(&pidfile)));
    match work(spec, plan, &agreement, &pidfile, None) {
        Ok((outcome, _watching)) => std::process::exit(i32::from(outcome.code)),
        Err(source) => {
            agreement.tell(&failed(&(Stage::Signals, source)));
            std::process::exit(1)
        }
    }
}

/// Does the work in the process that now is the daemon, up to `on_shutdown`.
pub(crate) fn work(
    spec: &Spec,
    plan: &Plan,
    agreement: &Arc<Agreement>,
    pidfile: &Arc<PidFile>,
    settled: Option<Instant>,
) -> std::io::Result<(work::Outcome, Watching)> {
    end::arm(Arc::clone(pidfile), spec.on_shutdown.clone());
    let ready = Arc::clone(agreement);
    let context = Context::new(plan.name.clone(), Box::new(move || ready.ready()));
    let mut job = spec.job.borrow_mut();
    let watcher = Watcher {
        context: context.clone(),
        agreement: Arc::clone(agreement),
        waits_for_worker: !matches!(&*job, Job::Once(worker) if !worker.sees_context),
        stop_signal: plan.stop_signal,
        settled,
    };
    let watching = watcher.spawn()?;
    disposition::unblock_all()?;
    agreement.tell(&Word::Working);
    let outcome = work::run(&mut job, &context, agreement);
    end::conclude(&outcome.reason, i32::from(outcome.code));
    Ok((outcome, watching))
}

// The worker has not begun, so nothing of the user's is to be run at exit.
fn fail(channel: &DaemonEnd, pidfile: &PidFile, failure: &Failure) -> ! {
    channel.say(&failed(failure));
    pidfile.release();
    exit::at_once(1)
}

pub(crate) fn failed((stage, source): &Failure) -> Word {
    Word::StageFailed { stage: *stage, errno: source.raw_os_error().unwrap_or(nix::libc::EIO) }
}
