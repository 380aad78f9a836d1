//! What /proc tells of a process in lines: proc(5), `/proc/PID/stat` and `/proc/PID/status`, as far as it is asked for here.

use std::io;

use nix::libc;

use crate::error::words;
use crate::sys::proc_file;

/// `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    pub(crate) state: char,
    pub(crate) ppid: i32,
    pub(crate) pgrp: i32,
    pub(crate) session: i32,
    /// In ticks of the clock, as all times here are.
    pub(crate) utime: u64,
    pub(crate) stime: u64,
    pub(crate) num_threads: u64,
    /// Since the boot.
    pub(crate) starttime: u64,
    /// In pages.
    pub(crate) rss: u64,
}

/// What /proc does not tell.
#[derive(Debug)]
pub(crate) struct Unread {
    path: String,
    source: io::Error,
}

impl Unread {
    pub(crate) fn new(path: impl Into<String>, source: io::Error) -> Self {
        Self { path: path.into(), source }
    }

    /// Whether it does not tell this account of the process at all, which may also be because there is none any more.
    pub(crate) fn is_of_all(&self) -> bool {
        let is_gone = self.source.raw_os_error() == Some(libc::ESRCH);
        is_gone || matches!(self.source.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot read {}: {}", self.path, words(&self.source))
    }
}

/// What `/proc/PID/stat` says of a process.
pub(crate) fn stat(pid: i32) -> Result<Stat, Unread> {
    read(format!("/proc/{pid}/stat"), parsed)
}

/// The signals that the process has handlers for, a bit for each; `SigCgt`.
pub(super) fn caught(pid: i32) -> Result<u64, Unread> {
    read(format!("/proc/{pid}/status"), |text| {
        let digits = text.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        u64::from_str_radix(digits.trim(), 16).ok()
    })
}

fn read<T>(path: String, understand: impl Fn(&str) -> Option<T>) -> Result<T, Unread> {
    let told = proc_file::record(&path).and_then(|told| {
        let understood = understand(&String::from_utf8_lossy(&told));
        understood.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its text is not that of proc(5)"))
    });
    told.map_err(|source| Unread { path, source })
}

/// The second field is the program's name in parentheses, which may hold anything: what follows the last one is plain.
fn parsed(text: &str) -> Option<Stat> {
    let (pid, rest) = text.split_once(" (")?;
    let fields: Vec<_> = rest.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
    // By their numbers in proc(5).
    let field = |number: usize| fields.get(number - 3).copied();
    let id = |number| field(number)?.parse().ok();
    let count = |number| field(number)?.parse().ok();
    Some(Stat {
        pid: pid.parse().ok()?,
        state: field(3)?.chars().next()?,
        ppid: id(4)?,
        pgrp: id(5)?,
        session: id(6)?,
        utime: count(14)?,
        stime: count(15)?,
        num_threads: count(20)?,
        starttime: count(22)?,
        rss: count(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NUMBERS: &str = "1 5 6 0 -1 4194560 1 2 3 4 14 15 0 0 20 0 1 0 22 23 24 18446744073709551615 1 1 0 0";

    proptest! {
        #[test]
        fn whatever_a_program_is_called_the_fields_are_found(name in ".{0,16}") {
            let stat = parsed(&format!("77 ({name}) S {NUMBERS}\n")).expect("understood");
            let expected = Stat {
                pid: 77, state: 'S', ppid: 1, pgrp: 5, session: 6, utime: 14, stime: 15, num_threads: 1, starttime: 22, rss: 24,
            };
            prop_assert_eq!(stat, expected);
        }

        #[test]
        fn any_text_is_understood_or_not(text in ".{0,64}") {
            let _ = parsed(&text);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs /proc")]
    fn this_process_is_told_of_and_one_that_is_not_there_is_not() {
        let me = i32::try_from(std::process::id()).expect("a pid");
        let told = stat(me).expect("told");
        assert!(told.pid == me && told.num_threads > 0 && told.rss > 0, "{told:?}");
        assert!(caught(me).is_ok());
        let error = stat(i32::MAX).expect_err("there is none");
        assert!(error.is_of_all() && error.to_string().contains("/proc/2147483647/stat"), "{error}");
    }
}
