//! The capabilities of this process: capabilities(7), capget(2), capset(2).

use std::io;

use nix::libc;

/// `_LINUX_CAPABILITY_VERSION_3`: two words for each set.
const VERSION: u32 = 0x2008_0522;

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    /// 0 is the calling thread.
    pid: libc::c_int,
}

/// `struct __user_cap_data_struct`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Empties the inheritable set, and with it the ambient one: a program that this process runs gets no capability by what its
/// file says of inheritable ones.
pub(crate) fn drop_inheritable() -> io::Result<()> {
    let mut sets = get()?;
    if sets.iter().all(|word| word.inheritable == 0) {
        return Ok(());
    }
    for word in &mut sets {
        word.inheritable = 0;
    }
    set(&sets)
}

/// The first 32 capabilities of the effective set, a bit for each.
pub(crate) fn effective() -> io::Result<u32> {
    get().map(|[word, _]| word.effective)
}

fn get() -> io::Result<[Sets; 2]> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: header and sets have the layout that this version of the call wants, with room for both words.
    let done = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(sets) }
}

fn set(sets: &[Sets; 2]) -> io::Result<()> {
    let mut header = Header { version: VERSION, pid: 0 };
    // SAFETY: header and sets have the layout that this version of the call wants; it reads both words.
    let done = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "capset(2)")]
    fn the_other_sets_stay_as_they_are() {
        let before = get().expect("told");
        drop_inheritable().expect("dropped");
        let after = get().expect("told");
        let rest = |sets: [Sets; 2]| sets.map(|word| (word.effective, word.permitted, 0));
        assert_eq!(after.map(|word| (word.effective, word.permitted, word.inheritable)), rest(before));
    }
}
