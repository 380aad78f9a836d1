//! The memory of a launcher, and how long it takes to start a daemon with it. Only the call is timed, because the memory itself
//! takes long to be got and let go.

use std::env;
use std::ptr;
use std::time::Instant;

const PAGE: usize = 4096;

/// So much memory as BENCH_BALLAST says, in MiB, each page of it written to. In small pages, as a heap grows by and by; what is
/// in huge ones is forked for far less. Later images of the program have none: theirs would not be the launcher's.
pub fn take() {
    let mebibytes: usize = env::var("BENCH_BALLAST").ok().and_then(|size| size.parse().ok()).unwrap_or_default();
    // SAFETY: the program has no threads yet.
    unsafe { env::remove_var("BENCH_BALLAST") };
    let size = mebibytes << 20;
    if size == 0 {
        return;
    }
    let (readable, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, which is nobody's yet.
    let memory = unsafe { libc::mmap(ptr::null_mut(), size, readable, private, -1, 0) };
    assert_ne!(memory, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
    // SAFETY: the mapping is of this size, stays to the end of the process, and is used by nobody else.
    unsafe {
        libc::madvise(memory, size, libc::MADV_NOHUGEPAGE);
        for page in (0..size).step_by(PAGE) {
            memory.cast::<u8>().add(page).write_volatile(1);
        }
    }
}

/// Prints how many nanoseconds a call took, if it returns.
pub fn timed<T>(call: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = call();
    println!("{}", begun.elapsed().as_nanos());
    result
}
