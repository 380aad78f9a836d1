//! What a daemon looks like from outside, without what differs from one to the next: two that were begun alike look alike.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::home::{Home, numbers_in};

pub type Portrait = BTreeMap<String, String>;

/// What of /proc/PID/status says how it was set up.
const TRAITS: [&str; 16] = [
    "Umask",
    "State",
    "Uid",
    "Gid",
    "Groups",
    "Threads",
    "SigPnd",
    "ShdPnd",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "NoNewPrivs",
];

pub fn portrait(home: &Home, pid: i32) -> Portrait {
    let mut portrait = Portrait::new();
    let mut add = |key: String, value: String| {
        let value = value.replace(home.path("").to_string_lossy().trim_end_matches('/'), "HOME");
        portrait.insert(key, value);
    };
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    for (key, value) in read("status").lines().filter_map(|line| line.split_once(':')) {
        if TRAITS.contains(&key) {
            add(key.to_owned(), value.trim().to_owned());
        }
    }
    let stat = read("stat");
    let stat: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
    // Session and terminal; the session leader is gone, so its number says nothing but that it is not the daemon's.
    let session = stat.get(3).copied().unwrap_or_default();
    add("leads its session".into(), (session == pid.to_string()).to_string());
    add("terminal".into(), stat.get(4).copied().unwrap_or_default().to_owned());
    for link in ["cwd", "root"] {
        let target = fs::read_link(format!("/proc/{pid}/{link}")).unwrap_or_default();
        add(link.into(), target.display().to_string());
    }
    add("core".into(), read("limits").lines().find(|line| line.contains("core")).unwrap_or_default().to_owned());
    let environ = read("environ");
    let mut variables: Vec<&str> = environ.split('\0').filter(|it| !it.starts_with("DAEMON_RUNTIME")).collect();
    variables.sort_unstable();
    add("environment".into(), variables.join("\n"));
    descriptors(pid, &mut add);
    for name in home.run_names() {
        let file = fs::symlink_metadata(home.path("run").join(&name)).map(|it| (it.mode(), it.uid(), it.gid()));
        add(format!("run/{name}"), format!("{file:?}"));
    }
    let log = fs::symlink_metadata(home.path("log")).map(|it| (it.mode(), it.uid(), it.gid()));
    add("log".into(), format!("{log:?} {}", home.read("log")));
    portrait
}

/// What is open, whatever its number, and how.
fn descriptors(pid: i32, add: &mut impl FnMut(String, String)) {
    let mut open = Vec::new();
    for fd in numbers_in(&format!("/proc/{pid}/fd")) {
        let target = fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default().display().to_string();
        let kind = target.split_once(":[").map_or(target.clone(), |(kind, _)| kind.to_owned());
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or_default().trim();
        let locks = info.lines().filter(|line| line.starts_with("lock:")).count();
        let number = if fd < 3 { fd.to_string() } else { "?".to_owned() };
        open.push(format!("{number} {kind} {flags} {locks}"));
    }
    open.sort();
    add("descriptors".into(), open.join("\n"));
}

/// In what they differ.
pub fn difference(one: &Portrait, other: &Portrait) -> Vec<String> {
    let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differ = keys.into_iter().filter(|key| one.get(*key) != other.get(*key));
    differ.map(|key| format!("{key}: {:?} instead of {:?}", lacks(other, one, key), lacks(one, other, key))).collect()
}

/// The lines that the one has there and the other has not.
fn lacks<'a>(one: &'a Portrait, other: &Portrait, key: &str) -> Vec<&'a str> {
    let lines =
        |portrait: &'a Portrait| portrait.get(key).map(|text| text.lines().collect::<Vec<_>>()).unwrap_or_default();
    let mut left: Vec<String> =
        other.get(key).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default();
    let is_new = |line: &&str| match left.iter().position(|known| known == line) {
        Some(at) => {
            left.remove(at);
            false
        }
        None => true,
    };
    lines(one).into_iter().filter(is_new).collect()
}
