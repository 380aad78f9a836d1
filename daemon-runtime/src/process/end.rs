//! The end of the daemon: `on_shutdown` exactly once, and the pidfile gone, whichever way the end comes.
//!
//! All ways but SIGKILL, a crash and `_exit` lead through exit(3), and so through [`at_exit`], which is called after all other
//! handlers: the claim outlives whatever the program does at its end, and no other daemon starts before that is done.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use super::{reason, relay};
use crate::event::event;
use crate::manager::Manager;
use crate::pidfile::Claimed;
use crate::spec::hook::OnShutdown;
use crate::sys::exit;

static END: OnceLock<End> = OnceLock::new();

struct End {
    /// The daemon's pid. Outside of the lock, which another thread of the daemon may have held while a child was forked.
    pid: AtomicU32,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    hook: Hook,
    pidfile: Option<Arc<Claimed>>,
    /// Who is told that the end has begun.
    manager: Option<Arc<Manager>>,
}

enum Hook {
    Waiting(Option<OnShutdown>),
    Running(ThreadId),
    Done,
}

/// Whose turn it is to end the daemon.
enum Turn {
    /// His who asks, with the hook, if there is one.
    First(Option<OnShutdown>),
    Later,
}

/// Sets up the end of the daemon that this process now is.
pub(crate) fn arm(pidfile: Arc<Claimed>, hook: Option<OnShutdown>) {
    let end = END.get_or_init(|| End {
        pid: AtomicU32::new(0),
        state: Mutex::new(State { hook: Hook::Done, pidfile: None, manager: None }),
        changed: Condvar::new(),
    });
    *end.lock() = State { hook: Hook::Waiting(hook), pidfile: Some(pidfile), manager: None };
    end.pid.store(std::process::id(), Ordering::SeqCst);
    hear_of_exit();
}

/// The service manager is to be told when the end begins.
pub(super) fn tell(manager: Arc<Manager>) {
    if let Some(end) = mine() {
        end.lock().manager = Some(manager);
    }
}

/// Whatever ends the process by exit(3) leads here from now on, also where no daemon is set up yet.
pub(crate) fn hear_of_exit() {
    exit::at_exit(at_exit);
}

/// Whether this process is a daemon whose end is still to come.
pub(crate) fn is_to_come() -> bool {
    mine().is_some_and(|end| end.lock().pidfile.is_some())
}

/// The end of this process, if it is the daemon. A child that the worker has forked inherits all of this, and is not.
fn mine() -> Option<&'static End> {
    END.get().filter(|end| end.pid.load(Ordering::SeqCst) == std::process::id())
}

/// Whether `on_shutdown` is being called just now.
pub(crate) fn is_concluding() -> bool {
    mine().is_some_and(|end| matches!(end.lock().hook, Hook::Running(_)))
}

/// Calls `on_shutdown`, unless it was called; if another thread is just calling it, waits until that is done.
pub(crate) fn conclude(reason: &str, code: i32) {
    call(reason, code, || {
        event!(INFO, "shutdown", reason = reason, code = code);
    });
}

/// The same without an event: where a subscriber could not take it any more.
fn conclude_untold(reason: &str, code: i32) {
    call(reason, code, || ());
}

fn call(reason: &str, code: i32, tell: impl FnOnce()) {
    let Some(end) = mine() else { return };
    let manager = end.lock().manager.take();
    if let Some(manager) = manager {
        manager.stopping();
    }
    if let Turn::First(hook) = end.claim_hook() {
        tell();
        // A panic in the hook is told by the panic hook; the end goes on.
        let _ = hook.map(|hook| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hook(reason, code))));
    }
    end.hook_is_done();
}

/// Removes the pidfile, for a process that goes on living after its daemon's end.
pub(crate) fn release() {
    // While no other daemon can start, which would write to the same logs. First what C's streams still hold: at exit(3) they are
    // flushed after all handlers, when nobody carries lines any more.
    if relay::is_there() {
        exit::flush_c_streams();
    }
    relay::drain();
    if let Some(pidfile) = mine().and_then(|end| end.lock().pidfile.take()) {
        pidfile.release();
    }
}

/// Where a panic aborts: what can be done of the end before it does.
pub(crate) fn before_abort(panic: &str) {
    // It may be the subscriber that has panicked.
    conclude_untold(&reason::by_panic(panic), 128 + nix::libc::SIGABRT);
    release();
}

fn at_exit(status: Option<i32>) {
    // What a subscriber keeps for this thread is gone already.
    match status {
        Some(0) => conclude_untold(reason::NORMALLY, 0),
        Some(code) => conclude_untold(&reason::with_code(code & 0xff), code & 0xff),
        None => conclude_untold("Exiting", -1),
    }
    release();
}

impl End {
    /// The hook, for the one who is to call it.
    fn claim_hook(&self) -> Turn {
        let mut state = self.lock();
        loop {
            match &mut state.hook {
                Hook::Waiting(hook) => {
                    let hook = hook.take();
                    state.hook = Hook::Running(std::thread::current().id());
                    return Turn::First(hook);
                }
                // The hook itself ends the process: it must not wait for itself.
                Hook::Running(thread) if *thread == std::thread::current().id() => return Turn::Later,
                Hook::Running(_) => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Hook::Done => return Turn::Later,
            }
        }
    }

    fn hook_is_done(&self) {
        self.lock().hook = Hook::Done;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
