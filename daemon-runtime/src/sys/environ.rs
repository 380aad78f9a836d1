//! The environment of this process, changed only while nobody else can read it: environ(7).

use std::ffi::{OsStr, OsString};

use super::fork::SingleThreaded;

/// Takes every variable away.
pub(crate) fn clear(_: SingleThreaded) {
    // Not one by one: an entry may have no name, or none that could be named.
    // SAFETY: the process has one thread (the argument proves it), so nobody reads the environment meanwhile.
    let _ = unsafe { nix::env::clearenv() };
}

/// Sets a variable. Callers have refused names and values that cannot be.
pub(crate) fn set(_: SingleThreaded, key: &OsStr, value: &OsString) {
    // SAFETY: the process has one thread (the argument proves it), so nobody reads the environment meanwhile.
    unsafe { std::env::set_var(key, value) }
}

/// Takes a variable away.
pub(crate) fn remove(_: SingleThreaded, key: &OsStr) {
    // SAFETY: the process has one thread (the argument proves it), so nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(key) }
}
