//! Files that the kernel makes up when they are read: proc(5). The standard library asks how long a file is and then feels its
//! way to the end, which takes six calls; these have no length, and a record comes by one read(2) if there is room for it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;

use super::again::again;

/// More than most records have.
const ROOM: usize = 2048;

/// Whether /proc is there. It shows this process to itself, whatever else it hides.
pub(crate) fn is_mounted() -> bool {
    // What cannot be told is not taken for a no: whoever asks for more is told why there is none.
    Path::new("/proc/self").try_exists().unwrap_or(true)
}

/// A file of one record, such as `/proc/PID/stat`.
pub(crate) fn record(path: &str) -> io::Result<Vec<u8>> {
    record_in(AT_FDCWD, path)
}

/// The same, in a folder.
pub(crate) fn record_in(folder: impl AsFd, name: &str) -> io::Result<Vec<u8>> {
    // Less than there was room for is the end.
    read(folder, name, |length| length < ROOM)
}

/// A file of many records, such as `/proc/PID/task/TID/children`, each read of which may end behind any of them.
pub(crate) fn records(path: &str) -> io::Result<Vec<u8>> {
    read(AT_FDCWD, path, |length| length == 0)
}

fn read(folder: impl AsFd, name: &str, is_end: impl Fn(usize) -> bool) -> io::Result<Vec<u8>> {
    let mut file = File::from(again(|| openat(&folder, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()))?);
    let mut told = Vec::new();
    let mut part = [0; ROOM];
    loop {
        let length = again(|| file.read(&mut part))?;
        told.extend_from_slice(part.get(..length).unwrap_or_default());
        if is_end(length) {
            return Ok(told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "needs /proc")]
    fn a_file_is_read_to_its_end_whether_or_not_it_fits() {
        assert!(record("/proc/self/stat").expect("read").ends_with(b"\n"));
        assert!(is_mounted());
        let path = std::env::temp_dir().join(format!("records-{}", std::process::id()));
        let path = path.to_str().expect("text");
        for length in [0, 7, ROOM, 3 * ROOM, 3 * ROOM + 7] {
            let text: Vec<u8> = (b'a'..=b'z').cycle().take(length).collect();
            std::fs::write(path, &text).expect("written");
            assert!(record(path).expect("read") == text && records(path).expect("read") == text, "{length}");
        }
        std::fs::remove_file(path).expect("removed");
        assert_eq!(records("/proc/no/such/file").expect_err("none").kind(), io::ErrorKind::NotFound);
    }
}
