//! The environment of this process, changed only while nobody else can read it: environ(7).

use std::ffi::{OsStr, OsString};

use super::fork::{SingleThreaded, Threads};

/// What becomes of the variables that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    Stay,
    Go,
}

/// Sets these variables. Callers have refused names and values that cannot be.
pub(crate) fn change(others: Others, variables: &[(OsString, OsString)]) -> Result<(), Threads> {
    let _single = SingleThreaded::prove()?;
    if others == Others::Go {
        // Not one by one: an entry may have no name, or none that could be named.
        // SAFETY: the process has one thread, as was proved right before, so nobody reads the environment meanwhile.
        let _ = unsafe { nix::env::clearenv() };
    }
    for (key, value) in variables {
        // SAFETY: the process still has one thread: nothing since the proof can have begun another.
        unsafe { std::env::set_var(key, value) }
    }
    Ok(())
}

/// Takes a variable away.
pub(crate) fn remove(key: &OsStr) -> Result<(), Threads> {
    let _single = SingleThreaded::prove()?;
    // SAFETY: the process has one thread, as was proved right before, so nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(key) }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "asks /proc")]
    fn in_a_process_with_threads_nothing_is_changed() {
        let variables = [("A_NAME_OF_ITS_OWN".into(), "x".into())];
        assert!(change(Others::Go, &variables).is_err() && remove(OsStr::new("PATH")).is_err());
        assert!(std::env::var_os("A_NAME_OF_ITS_OWN").is_none() && std::env::var_os("PATH").is_some());
    }
}
