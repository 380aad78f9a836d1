//! What `/proc` tells of a process; proc(5).

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use nix::libc;

use crate::home::numbers_in;

/// What `/proc/PID/stat` tells of a process; see proc(5).
pub struct Stat {
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    pub terminal: i32,
}

impl Stat {
    pub fn of(pid: i32) -> Self {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        let (_, after_name) = text.rsplit_once(") ").expect("a name");
        let numbers: Vec<i32> = after_name.split(' ').skip(1).take(4).map(|n| n.parse().expect("a number")).collect();
        Self { parent: numbers[0], group: numbers[1], session: numbers[2], terminal: numbers[3] }
    }
}

/// A field of `/proc/PID/status`, or of that of a thread.
pub fn status(process: &str, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field} in {text}")).trim().to_owned()
}

/// A row of `/proc/PID/limits`.
pub fn limits(process: &str, name: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{process}/limits")).expect("it runs");
    let row = text.lines().find_map(|line| line.strip_prefix(name)).expect("a row");
    row.split_whitespace().map(str::to_owned).collect()
}

pub fn target(pid: i32, fd: i32) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/fd/{fd}")).expect("it is open")
}

/// The flags that a descriptor was opened with; see `/proc/PID/fdinfo/FD` in proc(5).
pub fn flags(pid: i32, fd: i32) -> i32 {
    let text = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).expect("it is open");
    let octal = text.lines().find_map(|line| line.strip_prefix("flags:")).expect("its flags");
    i32::from_str_radix(octal.trim(), 8).expect("a number")
}

/// What the process has open above the standard three, each by what it is; how often, for what has no name.
pub fn open(pid: i32) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for fd in numbers_in(&format!("/proc/{pid}/fd")).into_iter().filter(|fd| *fd > 2) {
        // It may have been closed since it was listed.
        let Ok(target) = fs::read_link(format!("/proc/{pid}/fd/{fd}")) else { continue };
        let told = target.to_string_lossy().into_owned();
        let kind = told.split_once(":[").map_or(told.clone(), |(kind, _)| kind.to_owned());
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

/// How many sockets of the start-up channel's type the process has; see the columns of `/proc/net/unix` in proc(5).
pub fn channels(pid: i32) -> usize {
    const SEQUENCED_PACKETS: &str = "0005";
    let table = fs::read_to_string("/proc/net/unix").expect("there are sockets");
    let is_ours = |inode: &str| {
        let socket = PathBuf::from(format!("socket:[{inode}]"));
        let has = |fd: &i32| fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|target| target == socket);
        numbers_in(&format!("/proc/{pid}/fd")).iter().any(has)
    };
    let columns = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    columns.filter(|row| row[4] == SEQUENCED_PACKETS && is_ours(row[6])).count()
}

/// All signals that a program can ignore.
pub fn ignorable() -> impl Iterator<Item = libc::c_int> {
    // 32 and 33 are the C library's own, which lets nobody set them.
    (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP, 32, 33].contains(signal))
}

/// For which of those signals the disposition or the mask is so, by the bits of `/proc/PID/status`.
pub fn signals(process: &str, field: &str) -> Vec<libc::c_int> {
    let bits = u64::from_str_radix(&status(process, field), 16).expect("a number");
    ignorable().filter(|signal| bits & (1 << (signal - 1)) != 0).collect()
}
