//! Several daemons of one kind, told apart by the number that stands for `{n}`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::refuse;
use crate::error::Error;
use crate::spec::Spec;

pub(crate) const NUMBER: &str = "{n}";

/// The name of one of them. Without a place for the number it stands at the end, so that no two have the same.
pub(super) fn numbered_name(name: &str, instance: Option<u32>) -> String {
    match instance {
        None => name.to_owned(),
        Some(n) if name.contains(NUMBER) => name.replace(NUMBER, &n.to_string()),
        Some(n) => format!("{name}-{n}"),
    }
}

/// The name that stands for all of them.
pub(super) fn template_name(name: &str) -> String {
    if name.contains(NUMBER) { name.to_owned() } else { format!("{name}-{NUMBER}") }
}

/// A path of one of them.
pub(crate) fn numbered_path(path: &Path, instance: Option<u32>) -> PathBuf {
    let Some(n) = instance else { return path.to_owned() };
    let (mut numbered, mut rest) = (Vec::new(), path.as_os_str().as_bytes());
    while let Some(at) = rest.windows(NUMBER.len()).position(|window| window == NUMBER.as_bytes()) {
        let (before, after) = rest.split_at(at);
        numbered.extend_from_slice(before);
        numbered.extend_from_slice(n.to_string().as_bytes());
        rest = after.get(NUMBER.len()..).unwrap_or_default();
    }
    numbered.extend_from_slice(rest);
    PathBuf::from(OsString::from_vec(numbered))
}

/// One of them must be meant, one that there is, and no two may share a pidfile.
pub(super) fn check(spec: &Spec) -> Result<(), Error> {
    match (spec.instances, spec.instance.get()) {
        (None, Some(n)) => Err(refuse("instance", &n.to_string(), "there is but one: `instances` was not given")),
        (Some(count), None) => Err(refuse(
            "instances",
            &count.to_string(),
            "say which one is meant, with `.instance(n)` or `--instance n`",
        )),
        (Some(count), Some(n)) if n >= count => {
            let reason = format!("the instances are numbered 0 to {}", count - 1);
            Err(refuse("instance", &n.to_string(), &reason))
        }
        (Some(_), Some(_)) => check_pidfile(spec),
        (None, None) => Ok(()),
    }
}

pub(super) fn check_pidfile(spec: &Spec) -> Result<(), Error> {
    match &spec.pidfile {
        Some(path) if spec.instances > Some(1) && numbered_path(path, Some(0)) == numbered_path(path, Some(1)) => {
            let reason = "all instances would share it: write `{n}` where the number belongs";
            Err(refuse("pidfile", &path.to_string_lossy(), reason))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;
    use crate::spec::plan::Plan;

    #[test]
    fn the_number_stands_where_it_was_asked_for() {
        assert_eq!(numbered_name("w{n}x{n}", Some(3)), "w3x3");
        assert_eq!(numbered_name("w", Some(3)), "w-3");
        assert_eq!(numbered_name("w{n}", None), "w{n}");
        assert_eq!(numbered_path(Path::new("/a/{n}/{n}.pid"), Some(12)), Path::new("/a/12/12.pid"));
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let told = |daemon: Daemon| Plan::of(&daemon.name("w").spec).expect_err("refused").to_string();
        assert!(told(Daemon::new(|| {}).instances(2).instance(0).pidfile("/x.pid")).contains("share"));
        assert!(told(Daemon::new(|| {}).instances(2).instance(2).pidfile("/{n}.pid")).contains("0 to 1"));
        assert!(told(Daemon::new(|| {}).instances(2).pidfile("/{n}.pid")).contains("--instance"));
        assert!(told(Daemon::new(|| {}).instance(0)).contains("but one"));
    }
}
