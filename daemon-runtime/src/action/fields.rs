//! The fields of `status`: the usual ones, and what else /proc tells of the daemon on request.
//!
//! What each means, and which are sums over the session, is told in one place: [`StatusOptions::fields`].
//!
//! [`StatusOptions::fields`]: crate::StatusOptions::fields

#[cfg(feature = "fields")]
mod others;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::process::session::Unread;

/// There are none.
#[cfg(not(feature = "fields"))]
mod others {
    use super::{Map, Unread, Value};

    pub(super) const OTHERS: &[(&str, ())] = &[];

    #[allow(clippy::unnecessary_wraps, reason = "as where there are some")]
    pub(super) fn tell<'a>(
        _: i32,
        _: impl Iterator<Item = &'a String>,
        _: &mut Map<String, Value>,
    ) -> Result<(), Unread> {
        Ok(())
    }
}

/// Those that `status` tells by itself.
pub(crate) const USUAL: [&str; 7] =
    ["name", "pid", "status", "uptime", "cpu_percent", "memory_percent", "group_num_procs"];

/// Of these, those that stand nowhere but in the answer to who the daemon is.
const KNOWN: [&str; 3] = ["name", "pid", "status"];

/// And those that are over all processes of the daemon's session.
const SUMS: [&str; 3] = ["cpu_percent", "memory_percent", "group_num_procs"];

/// What a daemon tells of itself besides: of its ticks, and what it is doing.
pub(crate) const TICKS: &str = "ticks";
pub(crate) const TEXT: &str = "status_text";

/// All names that `--fields` takes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    USUAL.into_iter().chain([TICKS, TEXT]).chain(others::OTHERS.iter().map(|other| other.0))
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

/// Whether one of these fields is a sum over the daemon's session; none means the usual ones.
pub(crate) fn need_session(wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|field| SUMS.contains(&field.as_str()))
}

/// Whether one of these fields cannot be told without /proc; none means the usual ones.
pub(crate) fn need_proc(wanted: &[String]) -> bool {
    let is_told = |field: &String| KNOWN.contains(&field.as_str()) || is_of_record(field);
    need_session(wanted) || !wanted.iter().all(is_told)
}

/// Whether one of these fields stands in what the daemon tells of itself; none means all that there is.
pub(crate) fn need_record(wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|field| is_of_record(field))
}

fn is_of_record(field: &str) -> bool {
    [TICKS, TEXT].contains(&field)
}

/// Adds what those of these fields tell that are none of the usual, if there are any.
pub(crate) fn tell_others(pid: i32, wanted: &[String], more: &mut Map<String, Value>) -> Result<(), Unread> {
    let is_other = |field: &&String| !USUAL.contains(&field.as_str()) && !is_of_record(field);
    let mut others = wanted.iter().filter(is_other).peekable();
    if others.peek().is_some() { others::tell(pid, others, more) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_named_twice() {
        let mut all: Vec<_> = names().collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
    }
}
