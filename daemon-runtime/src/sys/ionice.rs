//! The priority of a process at the disk: `ioprio_get(2)`.

use std::io;

use nix::libc;

/// `IOPRIO_WHO_PROCESS`.
const OF_PROCESS: libc::c_int = 1;

/// Class (0 none, 1 realtime, 2 best effort, 3 idle) and value within it.
pub(crate) fn ionice(pid: i32) -> io::Result<(i64, i64)> {
    // SAFETY: ioprio_get takes two integers and touches no memory of ours.
    let priority = unsafe { libc::syscall(libc::SYS_ioprio_get, OF_PROCESS, pid) };
    if priority < 0 { Err(io::Error::last_os_error()) } else { Ok((priority >> 13, priority & 0x1fff)) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_a_class_that_there_is() {
        let (class, _) = super::ionice(i32::try_from(std::process::id()).expect("a pid")).expect("asked");
        assert!((0..=3).contains(&class));
    }
}
