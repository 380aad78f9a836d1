//! The ways out of a process: what runs at exit(3), and the exit that runs nothing.

use std::sync::{Once, OnceLock};

use nix::libc;

static AT_EXIT: OnceLock<fn(Option<i32>)> = OnceLock::new();
static REGISTERED: Once = Once::new();

/// Has `handler` called at exit(3), after all other handlers, with the exit status where the C library tells it (glibc
/// does, others do not). The first handler given stays.
pub(crate) fn at_exit(handler: fn(Option<i32>)) {
    if AT_EXIT.set(handler).is_ok() {
        register_once();
    }
}

/// Handlers are called in the reverse order of their registration. Ours is registered before `main`, by the loader, so that
/// it comes after all that the program itself can register.
#[cfg_attr(not(miri), used)]
// SAFETY: the loader calls what this section points to, once, with arguments that a function of C may leave aside; the
// function needs nothing of Rust's runtime but a `Once`.
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = register_once;

extern "C" fn register_once() {
    REGISTERED.call_once(register);
}

fn call(status: Option<i32>) {
    if let Some(handler) = AT_EXIT.get() {
        // A panic must not unwind into the C library.
        let _ = std::panic::catch_unwind(|| handler(status));
    }
}

#[cfg(target_env = "gnu")]
fn register() {
    unsafe extern "C" {
        fn on_exit(function: extern "C" fn(libc::c_int, *mut libc::c_void), argument: *mut libc::c_void)
        -> libc::c_int;
    }
    extern "C" fn trampoline(status: libc::c_int, _: *mut libc::c_void) {
        call(Some(status));
    }
    // SAFETY: the trampoline has the signature that on_exit(3) calls, lives as long as the program, never unwinds, and does
    // not use its argument. Should the C library be out of memory, the handler is not called: a stale pidfile is left, which
    // the next start knows how to treat.
    unsafe { on_exit(trampoline, std::ptr::null_mut()) };
}

#[cfg(not(target_env = "gnu"))]
fn register() {
    extern "C" fn trampoline() {
        call(None);
    }
    // SAFETY: the trampoline has the signature that atexit(3) calls, lives as long as the program, and never unwinds.
    unsafe { libc::atexit(trampoline) };
}

/// Writes what the streams of the C library still hold, as exit(3) does after all handlers.
pub(crate) fn flush_c_streams() {
    // SAFETY: a null stream means all of them, which fflush(3) locks one by one.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// Ends this process at once: no handlers, no flushing. For the session leader, whose copies of the buffers are the
/// launcher's.
pub(crate) fn at_once(code: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}
