//! A thread that costs what the kernel charges for one: `pthread_create(3)`.
//!
//! The standard library gives its threads a stack for signals and a record of their own, and looks a symbol up for the first
//! of them: a dozen pages, for as long as the daemon idles. The watcher needs none of it.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use nix::libc;
use nix::sys::prctl;

/// Far more than the watcher needs, for what foreign handlers and wakers do on it; less than a huge page, so that the kernel
/// never makes one of it.
const STACK: usize = 1 << 20;

/// A thread that has begun. It goes on by itself unless it is waited for.
#[derive(Debug)]
pub(crate) struct Thread(libc::pthread_t);

/// What a thread is given: its name, and what it does.
struct Start<F> {
    name: &'static CStr,
    act: F,
}

/// Begins a thread. Its memory is given back by nobody until it ends: on a thread that has asked for none, giving some back
/// would cost an arena of its own.
pub(crate) fn begin<F: FnOnce() + Send + 'static>(name: &'static CStr, act: F) -> io::Result<Thread> {
    let start = Box::into_raw(Box::new(Start { name, act }));
    let begun = match with_stack(STACK, start) {
        // More than that goes to the thread-local variables of this program alone: then as the C library sees fit.
        Err(libc::EINVAL) => create(ptr::null(), start),
        other => other,
    };
    begun.map_err(|error| {
        // SAFETY: no thread has begun, so what was made for it is still ours alone.
        drop(unsafe { Box::from_raw(start) });
        io::Error::from_raw_os_error(error)
    })
}

fn with_stack<F: FnOnce() + Send + 'static>(size: usize, start: *mut Start<F>) -> Result<Thread, i32> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the memory is of the right type, and ours.
    told(unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) })?;
    // SAFETY: they were initialised.
    let begun = told(unsafe { libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), size) });
    let begun = begun.and_then(|()| create(attributes.as_ptr(), start));
    // SAFETY: they were initialised, and no thread refers to them once it was made.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    begun
}

fn create<F: FnOnce() + Send + 'static>(
    attributes: *const libc::pthread_attr_t,
    start: *mut Start<F>,
) -> Result<Thread, i32> {
    let mut thread = MaybeUninit::<libc::pthread_t>::uninit();
    // SAFETY: the attributes are none, or initialised; the function has C's signature, never unwinds, and takes over what
    // `start` points to, which may go to another thread and is handed to this one only.
    told(unsafe { libc::pthread_create(thread.as_mut_ptr(), attributes, run::<F>, start.cast()) })?;
    // SAFETY: it has succeeded, so the handle is written.
    Ok(Thread(unsafe { thread.assume_init() }))
}

extern "C" fn run<F: FnOnce() + Send + 'static>(start: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: `begin` has made it of a box of this very type, and no longer owns it: this thread was made.
    let start = unsafe { Box::from_raw(start.cast::<Start<F>>()) };
    // A name is for whoever looks at the process.
    let _ = prctl::set_name(start.name);
    // Nothing may unwind into the C library; the panic hook has told it.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // Out of the box, whose memory is given back at the very end.
        let act = start.act;
        act();
    }));
    ptr::null_mut()
}

impl Thread {
    /// Waits for its end.
    pub(crate) fn join(self) {
        // SAFETY: the thread was made joinable, and `self` is the only handle on it, which is used up here.
        unsafe { libc::pthread_join(self.0, ptr::null_mut()) };
    }
}

fn told(error: i32) -> Result<(), i32> {
    if error == 0 { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn it_does_what_it_was_given_under_its_name_and_is_gone_when_it_was_waited_for() {
        let (sender, told) = channel();
        let thread = begin(c"a-name", move || {
            let _ = sender.send(prctl::get_name());
        });
        thread.expect("begun").join();
        assert_eq!(told.recv().expect("told").expect("a name").as_c_str(), c"a-name");
        assert!(told.recv().is_err(), "what it was given is gone");
    }

    #[test]
    fn a_panic_ends_the_thread_and_nothing_else() {
        begin(c"panics", || std::panic::resume_unwind(Box::new("no"))).expect("begun").join();
    }

    #[test]
    #[cfg_attr(miri, ignore = "a stack of a size that miri does not know")]
    fn a_stack_that_is_too_small_for_this_program_is_refused_and_the_default_is_taken() {
        let start = Box::into_raw(Box::new(Start { name: c"small", act: || () }));
        assert_eq!(with_stack(1, start).map(Thread::join), Err(libc::EINVAL));
        create(ptr::null(), start).expect("begun").join();
    }
}
