//! Why a file that stands in one of our names' places cannot be ours.

use std::fs::File;

use nix::libc;
use nix::sys::stat::{FileStat, fstat};
use nix::unistd::geteuid;

use crate::error::words;

/// A pidfile holds one number. What is longer than this is somebody's file, not a pidfile.
const LONGEST: i64 = 64;

/// Why a file in the claim's or the pidfile's place cannot be ours, if it cannot.
pub(super) fn strangeness(stat: &FileStat) -> Option<String> {
    kind(stat).or_else(|| names(stat)).or_else(|| owner(stat))
}

pub(super) fn kind(stat: &FileStat) -> Option<String> {
    let found = match stat.st_mode & libc::S_IFMT {
        libc::S_IFREG => return None,
        libc::S_IFDIR => "is a directory",
        libc::S_IFLNK => "is a symbolic link",
        libc::S_IFIFO => "is a FIFO",
        libc::S_IFSOCK => "is a socket",
        _ => "is a device",
    };
    Some(found.to_owned())
}

// A second name may be somebody's way to have us write, lock or remove another file.
pub(super) fn names(stat: &FileStat) -> Option<String> {
    (stat.st_nlink > 1).then(|| format!("has {} names (hard links)", stat.st_nlink))
}

pub(super) fn owner(stat: &FileStat) -> Option<String> {
    let ours = stat.st_uid == 0 || stat.st_uid == geteuid().as_raw();
    (!ours).then(|| format!("belongs to another user (uid {})", stat.st_uid))
}

/// Besides, of a pidfile.
pub(super) fn too_long(stat: &FileStat) -> Option<String> {
    (stat.st_size > LONGEST).then(|| format!("has {} bytes, so it is no pidfile", stat.st_size))
}

/// Why an open file cannot be ours, if it cannot.
pub(super) fn of_open(file: &File) -> Option<String> {
    match fstat(file) {
        Ok(stat) => strangeness(&stat),
        Err(e) => Some(format!("cannot be looked at: {}", words(&e.into()))),
    }
}
