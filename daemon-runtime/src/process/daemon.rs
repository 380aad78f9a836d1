//! The daemon: the process that is left when launcher and session leader are gone.

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::agreement::Agreement;
use super::origin::Origin;
use super::reopen::Logs;
use super::stages::{Environment, Failure, Passage, Prepared, Role};
use super::startup::{DaemonEnd, Word};
use super::streams::{Later, Streams};
use super::watcher::{Listening, Watcher, Watching};
use super::{end, mishap, relay, reload, work};
use crate::context::{Context, Powers};
use crate::error::{Error, seconds};
use crate::event::{self, event};
use crate::manager::Manager;
use crate::pidfile::Claimed;
use crate::pidfile::record::{Recorder, Subject};
use crate::spec::hook::When;
use crate::spec::plan::Plan;
use crate::spec::signal::SignalAction;
use crate::spec::stage::Stage;
use crate::spec::{Job, Spec};
use crate::sys::disposition::{self, ChildrenStay, Mask};
use crate::sys::exit;
use crate::sys::latch::Latch;

/// What the launcher has made for the daemon.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) pidfile: Claimed,
    pub(crate) prepared: Prepared,
    pub(crate) streams: Streams,
    pub(crate) origin: Origin,
    /// For the two who wait for a child; the daemon has its own way with SIGCHLD back.
    pub(crate) children: ChildrenStay,
    /// Who has begun the launcher, if it was a service manager.
    pub(crate) manager: Option<Manager>,
}

/// A process that is the daemon, with all stages behind it and the worker still to come.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) plan: Arc<Plan>,
    pub(crate) pidfile: Arc<Claimed>,
    pub(crate) agreement: Arc<Agreement>,
    pub(crate) role: Role,
    pub(crate) origin: Arc<Origin>,
    /// In the foreground, where no launcher counts: when the daemon is taken for ready.
    pub(crate) settled: Option<Instant>,
    /// After a reload: says whether a shutdown was asked for while no image could hear it.
    pub(crate) late: RefCell<Option<OwnedFd>>,
    /// The service manager, if there is one.
    pub(crate) manager: Option<Arc<Manager>>,
    /// In the foreground: the caller's signal mask, restored when the daemon's life is over.
    pub(crate) mask: Option<Mask>,
}

/// Goes through the stages that come after the second fork. Does not return if one of them fails.
pub(super) fn arrive(spec: &Spec, plan: &Plan, kit: Kit, channel: DaemonEnd, environment: Environment) -> Arrived {
    drop(kit.children);
    mishap::install_panic_hook();
    let (pidfile, streams) = (kit.pidfile, kit.streams);
    let role = Role::Daemon { session: nix::unistd::getsid(None).map_or(0, nix::unistd::Pid::as_raw) };
    let mut keep = streams.descriptors();
    keep.extend(pidfile.descriptors());
    keep.push(channel.as_fd().as_raw_fd());
    let manager = kit.manager.map(Manager::of_daemon_apart).map(Arc::new);
    keep.extend(manager.iter().flat_map(|manager| manager.descriptors()));
    let passage = Passage { spec, plan, pidfile: &pidfile, role, keep, environment };
    let passed = mishap::guarded(|| pass(&passage, kit.prepared, streams));
    // Nothing of ours may unwind into the caller's code, which would go on in a second process.
    let passed = passed.unwrap_or_else(|panic| Err(Failure::Stage(Stage::Detach, std::io::Error::other(panic))));
    match passed {
        Ok(later) => {
            let pidfile = Arc::new(pidfile);
            let agreement = Agreement::with_launcher(plan.ready, channel, later, Arc::clone(&pidfile));
            let (agreement, origin) = (Arc::new(agreement), Arc::new(kit.origin));
            Arrived {
                plan: Arc::new(plan.clone()),
                pidfile,
                agreement,
                role,
                origin,
                settled: None,
                late: RefCell::default(),
                manager,
                mask: None,
            }
        }
        Err(failure) => fail(&channel, &pidfile, failure),
    }
}

fn pass(passage: &Passage<'_>, prepared: Prepared, streams: Streams) -> Result<Later, Failure> {
    streams.listen_early().map_err(|source| Failure::Stage(Stage::Streams, source))?;
    event::tells_as(&passage.plan.name);
    event!(DEBUG, "stage", stage = Stage::Detach.word());
    passage.hooks(When::After, Stage::Detach)?;
    passage.common(prepared)?;
    let mut later = Later::default();
    // A hook that ends the process must not lose what it has written.
    end::hear_of_exit();
    passage.stage(Stage::Streams, || {
        later = streams.redirect(passage.plan)?;
        Ok(())
    })?;
    Ok(later)
}

/// Does the work to its end, and ends with it.
#[allow(clippy::exit, reason = "in the daemon the call never returns")]
pub(crate) fn live(spec: &Spec, arrived: &Arrived) -> ! {
    match work(spec, arrived) {
        Ok((outcome, _watching)) => std::process::exit(i32::from(outcome.code)),
        Err(source) => {
            let failure = Failure::Stage(Stage::Signals, source);
            match arrived.agreement.channel() {
                Some(channel) => channel.say(&Word::Undone(failure)),
                // After a reload no launcher listens: the log is the place.
                None => mishap::report(&format!("error: {}", failure.told(&arrived.plan))),
            }
            std::process::exit(1)
        }
    }
}

/// Does the work in the process that now is the daemon, up to `on_shutdown`.
pub(super) fn work(spec: &Spec, arrived: &Arrived) -> std::io::Result<(work::Outcome, Watching)> {
    mishap::install_panic_hook();
    let mut job = spec.job.borrow_mut();
    let patience = Arc::new(AtomicBool::new(job.waits_for_shutdown()));
    warn_of_silence(&job, arrived.manager.as_deref());
    let subject = if matches!(*job, Job::Repeat { .. }) { Subject::Ticks } else { Subject::Text };
    let (context, watching) = begin(spec, arrived, patience, subject)?;
    let mapped: Vec<i32> = spec.signals.iter().map(|(signal, _)| *signal).collect();
    let outcome = work::run(&mut job, &context, &arrived.agreement, &arrived.plan, &mapped);
    end::conclude(&outcome.reason, i32::from(outcome.code));
    Ok((outcome, watching))
}

/// A manager that waits for signs of life ends who gives none.
fn warn_of_silence(job: &Job, manager: Option<&Manager>) {
    let wanted = manager.and_then(Manager::wants_beats).filter(|_| !job.waits_for_shutdown());
    if let Some(every) = wanted {
        let every = seconds(every);
        mishap::report(&format!(
            "warning: the service manager wants a sign of life every {every}, and a worker without a `Context` gives none"
        ));
    }
}

/// From here on the process is the daemon to everybody: its end is set up, signals are heard, the worker may begin.
/// `patience`: whether the worker ends by itself when it is asked to. `subject`: what there is to tell of it.
pub(crate) fn begin(
    spec: &Spec,
    arrived: &Arrived,
    patience: Arc<AtomicBool>,
    subject: Subject,
) -> std::io::Result<(Context, Watching)> {
    end::arm(Arc::clone(&arrived.pidfile), spec.on_shutdown.clone());
    if let Some(manager) = &arrived.manager {
        end::tell(Arc::clone(manager));
    }
    let (latch, ear) = (Latch::new()?, Listening::default());
    let logs = Logs::of(&arrived.plan, arrived.role);
    let powers = powers(arrived, latch.clone(), Arc::clone(&ear), logs.clone());
    let context = Context::new(arrived.plan.name.clone(), spec.instance.get(), powers, arrived.manager.clone());
    if let Some(recorder) = Recorder::begin(&arrived.pidfile, subject) {
        context.tell_by(recorder);
    }
    let watcher = Watcher {
        context: context.clone(),
        agreement: Arc::clone(&arrived.agreement),
        patience,
        stop_signal: arrived.plan.stop_signal,
        signals: signals(spec, &arrived.plan, logs.as_ref()),
        logs,
        latch,
        settled: arrived.settled,
        ear,
        manager: arrived.manager.clone(),
    };
    let watching = watcher.spawn()?;
    if arrived.late.take().is_some_and(|late| Latch::is_set(&late)) {
        // What the image before could not hear any more is said again, to be heard as any other.
        disposition::signal_this_process(arrived.plan.stop_signal)?;
    }
    disposition::unblock_all()?;
    arrived.agreement.tell(&Word::Working);
    Ok((context, watching))
}

/// What the signals do. SIGHUP, where nothing else is said of it, has the logs opened again that have a name; to another program
/// it is passed on.
fn signals(spec: &Spec, plan: &Plan, logs: Option<&Arc<Logs>>) -> Vec<(i32, SignalAction)> {
    let (mut signals, hangup) = (spec.signals.clone(), nix::libc::SIGHUP);
    let is_free = plan.stop_signal != hangup && signals.iter().all(|(signal, _)| *signal != hangup);
    if logs.is_some() && is_free && !plan.is_program {
        signals.push((hangup, SignalAction::Reopen));
    }
    signals
}

/// What the worker can have done through its context.
fn powers(arrived: &Arrived, latch: Latch, ear: Listening, logs: Option<Arc<Logs>>) -> Powers {
    let (agreement, starting) = (Arc::clone(&arrived.agreement), Arc::clone(&arrived.agreement));
    let (pidfile, plan, role) = (Arc::clone(&arrived.pidfile), Arc::clone(&arrived.plan), arrived.role);
    let (origin, manager) = (Arc::clone(&arrived.origin), arrived.manager.clone());
    let (reopened, telling) = (logs.clone(), Arc::clone(&arrived.pidfile));
    Powers {
        ready: Box::new(move || agreement.ready()),
        tell: Box::new(move || Recorder::begin_at_last(&telling)),
        reopen: Box::new(move || reopened.as_ref().map_or(Ok(()), |logs| logs.open_again())),
        reload: Box::new(move |asked| -> Error {
            let (origin, plan, pidfile, latch) = (&origin, &plan, &*pidfile, &latch);
            let (logs, manager) = (logs.as_deref(), manager.as_deref());
            let daemon = reload::Daemon { origin, plan, pidfile, role, latch, ear: &ear, logs, manager };
            reload::reload(&daemon, asked, &starting)
        }),
    }
}

// The worker has not begun, so nothing of the user's is to be run at exit.
fn fail(channel: &DaemonEnd, pidfile: &Claimed, failure: Failure) -> ! {
    relay::drain();
    channel.say(&Word::Undone(failure));
    pidfile.release();
    exit::at_once(1)
}
