//! The fields of `status`: the usual ones, and what else /proc tells of the daemon on request.

use procfs::process::{FDTarget, Process, Stat};
use serde_json::{Value, json};

use crate::error::Error;

/// Those that `status` tells by itself.
pub(crate) const USUAL: [&str; 7] =
    ["name", "pid", "status", "uptime", "cpu_percent", "memory_percent", "group_num_procs"];

type Read = fn(&Process, &Stat) -> Option<Value>;

/// The others, each with what reads it. Bytes where it is memory; what the account may not see is null.
const OTHERS: [(&str, Read); 10] = [
    ("ppid", |_, stat| Some(json!(stat.ppid))),
    ("session", |_, stat| Some(json!(stat.session))),
    ("num_threads", |_, stat| Some(json!(stat.num_threads))),
    ("memory_rss", |_, stat| Some(json!(stat.rss * procfs::page_size()))),
    ("uid", |process, _| process.uid().ok().map(|uid| json!(uid))),
    ("cmdline", |process, _| process.cmdline().ok().map(|words| json!(words))),
    ("cwd", |process, _| process.cwd().ok().map(|path| json!(path.to_string_lossy()))),
    ("exe", |process, _| process.exe().ok().map(|path| json!(path.to_string_lossy()))),
    ("num_fds", |process, _| process.fd_count().ok().map(|count| json!(count))),
    ("open_files", |process, _| open_files(process)),
];

fn open_files(process: &Process) -> Option<Value> {
    let file = |fd: procfs::process::FDInfo| match fd.target {
        FDTarget::Path(path) => Some(json!([path.to_string_lossy(), fd.fd])),
        _ => None,
    };
    Some(process.fd().ok()?.flatten().filter_map(file).collect())
}

/// All names that `--fields` takes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    USUAL.into_iter().chain(OTHERS.into_iter().map(|(name, _)| name))
}

pub(crate) fn check(wanted: &[String]) -> Result<(), Error> {
    match wanted.iter().find(|field| !names().any(|name| name == field.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(Error::Setting {
            key: "fields",
            value: unknown.clone(),
            reason: format!("the fields are {}", names().collect::<Vec<_>>().join(", ")),
        }),
    }
}

/// Reads one of the others.
pub(crate) fn read(field: &str, process: &Process, stat: &Stat) -> Option<Value> {
    let (_, read) = OTHERS.into_iter().find(|(name, _)| *name == field)?;
    Some(read(process, stat).unwrap_or(Value::Null))
}
