//! Real programs as real processes, each test in a directory of its own, each ending what it started.

mod home;
mod start;
