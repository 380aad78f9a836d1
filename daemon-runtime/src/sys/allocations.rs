//! For the tests: how often this thread asks for memory. What runs between fork and exec, or in a signal handler, must not.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `act` asks for memory, or gives some back.
pub(crate) fn during(act: impl FnOnce()) -> usize {
    let before = ASKED.get();
    act();
    ASKED.get() - before
}

fn count() {
    // At the end of a thread the counter is gone, and nobody asks any more.
    let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
}

// SAFETY: all is passed on to the system's allocator, which keeps the promises; the counter needs no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: what the caller promises us, we promise the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: what the caller promises us, we promise the system's allocator; it has given us the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }
}

mod tests {
    #[test]
    fn memory_that_is_asked_for_and_given_back_is_counted() {
        assert_eq!(super::during(|| drop(std::hint::black_box(Box::new(1)))), 2);
        assert_eq!(super::during(|| ()), 0);
    }
}
