//! What knows the system, and the only unsafe code: each block states the fact that makes it sound.
#![allow(unsafe_code, reason = "this module is where unsafe code has its address")]

pub(crate) mod again;
#[cfg(test)]
pub(crate) mod allocations;
pub(crate) mod atfork;
pub(crate) mod capability;
pub(crate) mod clock;
pub(crate) mod descriptor;
pub(crate) mod disposition;
pub(crate) mod ear;
pub(crate) mod environ;
pub(crate) mod exit;
pub(crate) mod file_size;
pub(crate) mod fork;
pub(crate) mod interrupt;
#[cfg(feature = "fields")]
pub(crate) mod ionice;
pub(crate) mod latch;
pub(crate) mod lock;
pub(crate) mod pidfd;
pub(crate) mod proc_file;
pub(crate) mod spawn;
pub(crate) mod thread;
