//! Who the daemon is, and where it came from.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;

use nix::unistd::{Uid, User};
use procfs::process::{Process, Stat};
use serde_json::{Map, Value, json};

pub(super) fn uids(process: &Process) -> Option<Value> {
    let status = process.status().ok()?;
    Some(json!({"real": status.ruid, "effective": status.euid, "saved": status.suid}))
}

pub(super) fn gids(process: &Process) -> Option<Value> {
    let status = process.status().ok()?;
    Some(json!({"real": status.rgid, "effective": status.egid, "saved": status.sgid}))
}

/// The name of the account that it belongs to; the number, where the account has no name.
pub(super) fn username(process: &Process) -> Option<Value> {
    let uid = process.status().ok()?.ruid;
    let account = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    Some(json!(account.map_or_else(|| uid.to_string(), |account| account.name)))
}

pub(super) fn environ(process: &Process) -> Option<Value> {
    let told = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        (name.to_string_lossy().into_owned(), json!(value.to_string_lossy()))
    };
    Some(Value::Object(process.environ().ok()?.into_iter().map(told).collect::<Map<_, _>>()))
}

/// The device file of the controlling terminal, if there is one.
pub(super) fn terminal(stat: &Stat) -> Option<Value> {
    let (major, minor) = stat.tty_nr();
    let device = nix::libc::makedev(u32::try_from(major).ok()?, u32::try_from(minor).ok()?);
    (stat.tty_nr != 0).then(|| device_file(device)).flatten().map(|path| json!(path.to_string_lossy()))
}

fn device_file(device: u64) -> Option<PathBuf> {
    let entries = ["/dev/pts", "/dev"].into_iter().flat_map(fs::read_dir).flatten().flatten();
    let is_it =
        |path: &PathBuf| path.symlink_metadata().is_ok_and(|m| m.file_type().is_char_device() && m.rdev() == device);
    entries.map(|entry| entry.path()).find(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Process {
        Process::myself().expect("this process")
    }

    #[test]
    fn the_ids_are_those_of_the_account() {
        let (uid, gid) = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
        assert_eq!(uids(&me()).expect("told")["real"], json!(uid));
        assert_eq!(gids(&me()).expect("told")["real"], json!(gid));
    }

    #[test]
    fn the_environment_is_told_by_its_names() {
        assert_eq!(environ(&me()).expect("told")["CARGO_PKG_NAME"], json!("daemon-runtime"));
    }

    #[test]
    fn a_device_is_found_by_its_numbers() {
        assert_eq!(device_file(nix::libc::makedev(1, 3)), Some(PathBuf::from("/dev/null")));
    }

    #[test]
    fn a_process_without_a_terminal_has_none() {
        let mut stat = me().stat().expect("its stat");
        stat.tty_nr = 0;
        assert_eq!(terminal(&stat), None);
    }
}
