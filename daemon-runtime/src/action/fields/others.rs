//! What else /proc tells of the daemon on request, by the crate procfs.

mod account;
mod connections;
mod memory;
mod time;

use std::path::PathBuf;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use procfs::process::{FDTarget, Io, Process, Stat};
use procfs::{ProcError, ProcResult};
use serde_json::{Map, Value, json};

use crate::process::session::Unread;
use crate::sys::again::{Interruptible, again};
use crate::sys::ionice::ionice;

impl Interruptible for ProcError {
    fn is_interruption(&self) -> bool {
        matches!(self, Self::Io(source, _) if source.is_interruption())
    }
}

pub(super) type Read = fn(&Process, &Stat) -> Option<Value>;

/// The others, each with what reads it. Where psutil knows one, it has psutil's name; what psutil gives as a named tuple is
/// an object. What the account may not see is nothing here, and null in the answer.
pub(super) const OTHERS: &[(&str, Read)] = &[
    ("ppid", |_, stat| Some(json!(stat.ppid))),
    ("session", |_, stat| Some(json!(stat.session))),
    ("create_time", |_, stat| Some(json!(time::created(stat)?))),
    ("state", |_, stat| Some(json!(state(stat.state)?))),
    ("cmdline", |process, _| process.cmdline().ok().map(|words| json!(words))),
    ("cwd", |process, _| path(process.cwd())),
    ("exe", |process, _| path(process.exe())),
    ("environ", |process, _| account::environ(process)),
    ("terminal", |_, stat| account::terminal(stat)),
    ("username", |process, _| account::username(process)),
    ("uid", |process, _| process.status().ok().map(|status| json!(status.euid))),
    ("uids", |process, _| account::uids(process)),
    ("gids", |process, _| account::gids(process)),
    ("nice", |_, stat| Some(json!(stat.nice))),
    ("ionice", |process, _| ionice(process.pid()).ok().map(|(class, value)| json!({"ioclass": class, "value": value}))),
    ("cpu_num", |_, stat| stat.processor.map(|cpu| json!(cpu))),
    ("cpu_affinity", |process, _| cpu_affinity(process.pid())),
    ("cpu_times", |_, stat| Some(time::of_cpu(stat))),
    ("num_ctx_switches", |process, _| num_ctx_switches(process)),
    ("num_threads", |_, stat| Some(json!(stat.num_threads))),
    ("threads", |process, _| time::of_threads(process)),
    ("memory_rss", |_, stat| Some(json!(stat.rss * procfs::page_size()))),
    ("memory_info", |process, _| memory::info(process).map(Value::Object)),
    ("memory_full_info", |process, _| memory::full_info(process)),
    ("memory_maps", |process, _| memory::maps(process)),
    ("io_counters", |process, _| process.io().ok().map(io_counters)),
    ("num_fds", |process, _| process.fd_count().ok().map(|count| json!(count))),
    ("open_files", |process, _| open_files(process)),
    ("net_connections", |process, _| connections::of(process)),
    // What psutil called them before version 6.
    ("connections", |process, _| connections::of(process)),
];

fn path(path: ProcResult<PathBuf>) -> Option<Value> {
    path.ok().map(|path| json!(path.to_string_lossy()))
}

/// The words that psutil has for the letters of proc(5).
fn state(letter: char) -> Option<&'static str> {
    Some(match letter {
        'R' => "running",
        'S' => "sleeping",
        'D' => "disk-sleep",
        'T' => "stopped",
        't' => "tracing-stop",
        'Z' => "zombie",
        'X' | 'x' => "dead",
        'I' => "idle",
        'P' => "parked",
        _ => return None,
    })
}

fn cpu_affinity(pid: i32) -> Option<Value> {
    let allowed = sched_getaffinity(Pid::from_raw(pid)).ok()?;
    Some((0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)).collect())
}

fn num_ctx_switches(process: &Process) -> Option<Value> {
    let status = process.status().ok()?;
    let (voluntary, involuntary) = (status.voluntary_ctxt_switches?, status.nonvoluntary_ctxt_switches?);
    Some(json!({"voluntary": voluntary, "involuntary": involuntary}))
}

fn io_counters(io: Io) -> Value {
    json!({
        "read_count": io.syscr, "write_count": io.syscw,
        "read_bytes": io.read_bytes, "write_bytes": io.write_bytes,
        "read_chars": io.rchar, "write_chars": io.wchar,
    })
}

fn open_files(process: &Process) -> Option<Value> {
    let file = |fd: procfs::process::FDInfo| match fd.target {
        FDTarget::Path(path) => Some(json!([path.to_string_lossy(), fd.fd])),
        _ => None,
    };
    Some(process.fd().ok()?.flatten().filter_map(file).collect())
}

/// Adds these fields of the process, all of them null where it cannot be seen.
pub(super) fn tell<'a>(
    pid: i32,
    wanted: impl Iterator<Item = &'a String>,
    more: &mut Map<String, Value>,
) -> Result<(), Unread> {
    let seen = again(|| Process::new(pid)).and_then(|process| Ok((again(|| process.stat())?, process)));
    for field in wanted {
        let value = seen.as_ref().map_or(Value::Null, |(stat, process)| read(field, process, stat));
        more.insert(field.clone(), value);
    }
    seen.map(drop).map_err(|error| unread(pid, error))
}

fn unread(pid: i32, error: ProcError) -> Unread {
    use std::io::{Error, ErrorKind};
    let source = match error {
        ProcError::PermissionDenied(_) => ErrorKind::PermissionDenied.into(),
        ProcError::NotFound(_) => ErrorKind::NotFound.into(),
        ProcError::Io(source, _) => source,
        other => Error::new(ErrorKind::InvalidData, other.to_string()),
    };
    Unread::new(format!("/proc/{pid}"), source)
}

fn read(field: &str, process: &Process, stat: &Stat) -> Value {
    let of = OTHERS.iter().find(|(name, _)| *name == field);
    of.and_then(|(_, read)| read(process, stat)).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use procfs::Current;

    fn told(field: &str) -> Value {
        let process = Process::myself().expect("this process");
        let stat = process.stat().expect("its stat");
        read(field, &process, &stat)
    }

    #[test]
    fn every_field_of_a_process_of_ones_own_can_be_told() {
        // A process need not have a terminal.
        for (field, _) in OTHERS.iter().filter(|(field, _)| *field != "terminal") {
            assert_ne!(told(field), Value::Null, "{field}");
        }
    }

    #[test]
    fn a_state_is_told_in_a_word() {
        assert_eq!([state('S'), state('D'), state('?')], [Some("sleeping"), Some("disk-sleep"), None]);
    }

    #[test]
    fn a_processor_that_may_not_be_used_is_not_told() {
        let processors = procfs::CpuInfo::current().expect("told").num_cores();
        let told = told("cpu_affinity");
        let allowed = told.as_array().expect("a list");
        assert!((1..=processors).contains(&allowed.len()), "{allowed:?}");
    }

    #[test]
    fn what_is_written_is_counted() {
        let written = || told("io_counters")["write_chars"].as_u64().expect("a count");
        let before = written();
        let mut null = std::fs::File::options().write(true).open("/dev/null").expect("there");
        std::io::Write::write_all(&mut null, &[0; 4096]).expect("written");
        assert!(written() >= before + 4096);
    }
}
