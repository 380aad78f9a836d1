//! How each of the streams is opened: without waiting, through no link of a stranger's, and made where it is not there.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;

use super::journal;
use crate::folder::{self, Owner, Spot};
use crate::process::relay;
use crate::spec::plan::Plan;
use crate::spec::stream::Stream;

const CAREFUL: OFlag = OFlag::O_CLOEXEC.union(OFlag::O_NOCTTY).union(OFlag::O_NONBLOCK);

pub(super) fn open_or_given(
    plan: &Plan,
    stream: &Stream,
    open: impl Fn(&Path) -> io::Result<OwnedFd>,
) -> io::Result<OwnedFd> {
    match stream {
        Stream::Journal => journal::connect(&stream.path(), &plan.name, plan.start_timeout),
        Stream::Syslog => relay::open_syslog(),
        Stream::Path(path) => open(path),
        Stream::Open(file) => file.try_clone(),
    }
}

pub(super) fn open_stdin(path: &Path) -> io::Result<OwnedFd> {
    blocking(Spot::find(path)?.open(OFlag::O_RDONLY | CAREFUL)?, OFlag::empty())
}

/// How a log is written to, by however many processes.
const LOG: OFlag = OFlag::O_WRONLY.union(OFlag::O_APPEND).union(CAREFUL);

/// Opens for appending; a file that is not there is made with mode 0640, its folders with 0755 less the umask.
pub(in crate::process) fn open_log(path: &Path, owner: Owner) -> io::Result<OwnedFd> {
    match open_existing(path, owner) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => create_log(path, owner),
        other => other,
    }
}

/// Why a file cannot be opened that has nothing behind it; open(2), ENXIO.
fn unopened(path: &Path) -> &'static str {
    match path.metadata() {
        Ok(found) if found.file_type().is_socket() => "it is a socket; give it as an open file",
        _ => "it is a FIFO that nobody reads",
    }
}

fn open_existing(path: &Path, owner: Owner) -> io::Result<OwnedFd> {
    let mut spot = Spot::find(path)?;
    match spot.open(LOG) {
        Err(e) if e.raw_os_error() == Some(Errno::ENXIO as i32) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, unopened(path)))
        }
        // fcntl(2), F_SETLEASE: the kernel has asked its owner to give it up, and takes it from him in a while.
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "its owner has a lease on it, which ends soon; try again in a minute",
        )),
        other => {
            let file = other?;
            spot.check(&file, owner)?;
            blocking(file, OFlag::O_APPEND)
        }
    }
}

fn create_log(path: &Path, owner: Owner) -> io::Result<OwnedFd> {
    match Spot::make(path, owner)?.create(LOG, Mode::S_IRUSR | Mode::S_IWUSR) {
        // Another start, or the other stream, made it meanwhile.
        Err(Errno::EEXIST) => open_existing(path, owner),
        other => {
            let file = File::from(blocking(other?, OFlag::O_APPEND)?);
            // Set on the file, so that the umask has no say in it.
            file.set_permissions(Permissions::from_mode(0o640))?;
            folder::give(&file, owner)?;
            Ok(file.into())
        }
    }
}

// Opening must not wait for a FIFO's other end, but writing to it must. `flags`: those that are to stay of what can be set.
fn blocking(file: OwnedFd, flags: OFlag) -> io::Result<OwnedFd> {
    fcntl(&file, FcntlArg::F_SETFL(flags))?;
    Ok(file)
}
