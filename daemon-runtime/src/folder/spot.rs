//! The name of a file in a folder that was reached on a safe way.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};

use super::{Missing, Owner, Way, is_proc, is_trusted, refused};
use crate::sys::again::again;

#[derive(Debug)]
pub(crate) struct Spot {
    way: Way,
    name: OsString,
}

impl Spot {
    /// In a folder that is there.
    pub(crate) fn find(path: &Path) -> io::Result<Self> {
        let (folder, name) = split(path)?;
        Ok(Self { way: Way::finding(folder)?, name: name.to_owned() })
    }

    /// In a folder that is made if it is not there; see [`super::make`].
    pub(crate) fn make(path: &Path, owner: Owner) -> io::Result<Self> {
        let (folder, name) = split(path)?;
        Ok(Self { way: Way::making(folder, owner)?, name: name.to_owned() })
    }

    /// A new file, in the place of nothing else.
    pub(crate) fn create(&self, flags: OFlag, mode: Mode) -> nix::Result<OwnedFd> {
        let flags = flags | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
        again(|| openat(&self.way.at, &*self.name, flags, mode))
    }

    /// The file that is there. Links are followed as on the way to the folder, and the spot is then where they have led.
    pub(crate) fn open(&mut self, flags: OFlag) -> io::Result<OwnedFd> {
        loop {
            match again(|| openat(&self.way.at, &*self.name, flags | OFlag::O_NOFOLLOW, Mode::empty())) {
                Err(Errno::ELOOP) if is_proc(&self.way.at) => {
                    return Ok(again(|| openat(&self.way.at, &*self.name, flags, Mode::empty()))?);
                }
                Err(Errno::ELOOP) => self.follow()?,
                other => return Ok(other?),
            }
        }
    }

    fn follow(&mut self) -> io::Result<()> {
        let target = self.way.target(&self.name)?;
        let (folder, name) = split(&target)?;
        self.way.go(folder, Missing::Told)?;
        name.clone_into(&mut self.name);
        Ok(())
    }

    /// Refuses a file that was opened here to be written to, where another user may have put it there: as one of his own,
    /// or as one more name of a file that is not his.
    pub(crate) fn check(&self, file: &OwnedFd, owner: Owner) -> io::Result<()> {
        if !may_be_written_by_others(&fstat(&self.way.at)?) {
            return Ok(());
        }
        let open = fstat(file)?;
        let is_plantable = matches!(open.st_mode & libc::S_IFMT, libc::S_IFREG | libc::S_IFIFO);
        if !is_plantable || is_proc(&self.way.at) {
            return Ok(());
        }
        // Asked by its name: the file's only one is then this, and not one that has been there until a moment ago.
        let named = fstatat(&self.way.at, &*self.name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let is_same = named.st_dev == open.st_dev && named.st_ino == open.st_ino;
        match strangeness(&named, owner).or_else(|| (!is_same).then(|| "was replaced just now".to_owned())) {
            Some(found) => Err(refused(format!("it {found}"))),
            None => Ok(()),
        }
    }
}

fn may_be_written_by_others(folder: &FileStat) -> bool {
    !is_trusted(folder.st_uid) || folder.st_mode & 0o022 != 0
}

fn strangeness(stat: &FileStat, owner: Owner) -> Option<String> {
    let is_owners = owner.is_some_and(|(uid, _)| uid == stat.st_uid);
    if !is_owners && !is_trusted(stat.st_uid) {
        return Some(format!("belongs to another user (uid {})", stat.st_uid));
    }
    (stat.st_nlink > 1).then(|| format!("has {} names (hard links)", stat.st_nlink))
}

/// The folder and the name of a file. What ends in a slash or in dots can only be a folder.
fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (folder, name) = bytes.split_at(end);
    match name {
        b"" | b"." | b".." => Err(Errno::EISDIR.into()),
        _ => Ok((Path::new(OsStr::from_bytes(folder)), OsStr::from_bytes(name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_path_is_parted_where_the_kernel_parts_it() {
        let parts = |path| split(Path::new(path)).map(|(folder, name)| (folder.to_owned(), name.to_owned()));
        let is = |folder: &str, name: &str| (folder.into(), name.into());
        assert_eq!(parts("/var/log/x").expect("a file"), is("/var/log/", "x"));
        assert_eq!(parts("x").expect("a file"), is("", "x"));
        for folder in ["/", "/var/log/", "/var/log/.", "..", ""] {
            assert_eq!(parts(folder).expect_err(folder).raw_os_error(), Some(Errno::EISDIR as i32));
        }
    }

    #[test]
    fn links_of_ours_and_of_the_kernel_lead_to_the_file() {
        let home = std::env::temp_dir().join(format!("spot-{}", std::process::id()));
        fs::create_dir_all(home.join("a")).expect("a folder");
        fs::write(home.join("a/file"), "read").expect("written");
        let file = File::open(home.join("a/file")).expect("there");
        symlink("a/../link", home.join("chain")).expect("a link");
        symlink(home.join("a/file"), home.join("link")).expect("a link");
        symlink(format!("/proc/self/fd/{}", file.as_raw_fd()), home.join("open")).expect("a link");
        for name in ["chain", "link", "open"] {
            let mut text = String::new();
            let opened = Spot::find(&home.join(name)).and_then(|mut spot| spot.open(OFlag::O_RDONLY)).expect(name);
            File::from(opened).read_to_string(&mut text).expect("read");
            assert_eq!(text, "read", "{name}");
        }
        fs::remove_dir_all(home).expect("removed");
    }
}
