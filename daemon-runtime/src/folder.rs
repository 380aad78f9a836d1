//! Folders for pidfile and logs: made where they are missing, for the user who is to write there.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, fchown};
use std::path::Path;

use nix::fcntl::OFlag;

/// The user and the group that what we make belongs to; none means whoever makes it.
pub(crate) type Owner = Option<(u32, u32)>;

/// Makes the folder, and those above it, with mode 0755 less the umask. What is there already stays as it is.
pub(crate) fn make(folder: &Path, owner: Owner) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make(above, owner)?;
    }
    match DirBuilder::new().mode(0o755).create(folder) {
        Ok(()) => give(&open(folder)?, owner),
        // Another start made it meanwhile; or it is a file, which whoever opens it as a folder is told.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

/// Gives what we have just made to its owner.
pub(crate) fn give(file: &File, owner: Owner) -> io::Result<()> {
    match owner {
        Some((uid, gid)) => fchown(file, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

// By a descriptor and through no link: in a folder of another user's, the name may mean something else by now.
fn open(folder: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits()).open(folder)
}
