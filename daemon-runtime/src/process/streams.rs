//! The standard streams: opened in the launcher, put in their places in the daemon, and stderr listened to until the
//! daemon is ready.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::Mode;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, geteuid};

use crate::error::Error;
use crate::spec::plan::Plan;

/// How much of what the worker wrote to stderr is kept for the terminal: the end of it.
const KEPT: usize = 64 * 1024;

/// The files that become the daemon's streams.
#[derive(Debug)]
pub(crate) struct Streams {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    /// Where stderr is discarded: what takes its place until the daemon is ready.
    pipe: Option<(OwnedFd, OwnedFd)>,
}

/// How the launcher gets at what the worker writes to stderr.
#[derive(Debug)]
pub(crate) enum Capture {
    /// It comes through a pipe, because the real stderr keeps nothing.
    Pipe { reader: File, read: Vec<u8> },
    /// It is read back from the log, from where the log ended before.
    Log { log: File, from: u64 },
    /// It came through a pipe that nobody can write to any more.
    Read(Vec<u8>),
    /// It goes to a device or a FIFO, which cannot be read back.
    None,
}

impl Streams {
    /// Opens all three, so that what is wrong with them is told before anything is forked.
    pub(crate) fn open(plan: &Plan) -> Result<(Self, Capture), Error> {
        let stdin = named("stdin", &plan.stdin, open_stdin(&plan.stdin))?;
        let stdout = named("stdout", &plan.stdout, open_log(&plan.stdout))?;
        let stderr = named("stderr", &plan.stderr, open_log(&plan.stderr))?;
        let (pipe, capture) = named("stderr", &plan.stderr, listen(&stderr, &plan.stderr))?;
        Ok((Self { stdin, stdout, stderr, pipe }, capture))
    }

    /// Puts them in their places. What comes back takes stderr's place once the daemon is ready.
    pub(crate) fn redirect(self) -> io::Result<Option<OwnedFd>> {
        dup2_stdin(&self.stdin)?;
        dup2_stdout(&self.stdout)?;
        if let Some((_, writer)) = self.pipe {
            dup2_stderr(&writer)?;
            return Ok(Some(self.stderr));
        }
        dup2_stderr(&self.stderr)?;
        Ok(None)
    }

    /// The descriptors that must outlive the closing of all others.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        let pipe = self.pipe.iter().flat_map(|(reader, writer)| [reader, writer]);
        [&self.stdin, &self.stdout, &self.stderr].into_iter().chain(pipe).map(AsRawFd::as_raw_fd).collect()
    }

    /// What the session leader needs of them: the pipe's other end, to read it empty when the launcher is gone.
    pub(crate) fn into_drain(self) -> Option<OwnedFd> {
        self.pipe.map(|(reader, _)| reader)
    }
}

fn named<T>(stream: &'static str, path: &Path, result: io::Result<T>) -> Result<T, Error> {
    result.map_err(|source| Error::Stream { stream, path: path.to_owned(), source })
}

fn listen(stderr: &OwnedFd, path: &Path) -> io::Result<(Option<(OwnedFd, OwnedFd)>, Capture)> {
    let file = File::from(stderr.try_clone()?);
    let metadata = file.metadata()?;
    if is_null(&metadata) {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let capture = Capture::Pipe { reader: File::from(reader.try_clone()?), read: Vec::new() };
        return Ok((Some((reader, writer)), capture));
    }
    let log = if metadata.is_file() { File::open(path).ok() } else { None };
    Ok((None, log.map_or(Capture::None, |log| Capture::Log { log, from: metadata.len() })))
}

// The device of /dev/null, under whatever name: 1, 3 in Linux's list of devices.
fn is_null(metadata: &std::fs::Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == nix::libc::makedev(1, 3)
}

const CAREFUL: OFlag = OFlag::O_CLOEXEC.union(OFlag::O_NOCTTY).union(OFlag::O_NONBLOCK);

fn open_stdin(path: &Path) -> io::Result<OwnedFd> {
    let file = open(path, OFlag::O_RDONLY | CAREFUL, Mode::empty())?;
    blocking(file)
}

/// Opens for appending; a file that is not there is made with mode 0640, its folders with 0755 less the umask.
fn open_log(path: &Path) -> io::Result<OwnedFd> {
    match open_existing(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => create_log(path),
        other => other,
    }
}

fn open_existing(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND | CAREFUL;
    match open(path, flags | OFlag::O_NOFOLLOW, Mode::empty()) {
        // ELOOP: the last part of the path is a link. One that root or we ourselves have made is a setting of this machine;
        // another's would lead us to a file of his choice.
        Err(Errno::ELOOP) if is_trusted_link(path)? => blocking(open(path, flags, Mode::empty())?),
        Err(Errno::ELOOP) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link of another user's"))
        }
        Err(Errno::ENXIO) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a FIFO that nobody reads")),
        other => blocking(other?),
    }
}

fn is_trusted_link(path: &Path) -> io::Result<bool> {
    let owner = path.symlink_metadata()?.uid();
    Ok(owner == 0 || owner == geteuid().as_raw())
}

fn create_log(path: &Path) -> io::Result<OwnedFd> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_EXCL | CAREFUL;
    match open(path, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
        // Another start, or the other stream, made it meanwhile.
        Err(Errno::EEXIST) => open_existing(path),
        other => {
            let file = File::from(blocking(other?)?);
            // Set on the file, so that the umask has no say in it.
            file.set_permissions(Permissions::from_mode(0o640))?;
            Ok(file.into())
        }
    }
}

// Opening must not wait for a FIFO's other end, but writing to it must.
fn blocking(file: OwnedFd) -> io::Result<OwnedFd> {
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags.difference(OFlag::O_NONBLOCK)))?;
    Ok(file)
}

impl Capture {
    /// What can be polled for more.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Pipe { reader, .. } => Some(reader.as_fd()),
            Self::Log { .. } | Self::Read(_) | Self::None => None,
        }
    }

    /// Takes in some of what is there, so that the worker never waits for us.
    pub(crate) fn take_in(&mut self) {
        let Self::Pipe { reader, read } = self else { return };
        let mut bytes = [0_u8; 4096];
        match reader.read(&mut bytes) {
            Ok(0) => *self = Self::Read(std::mem::take(read)),
            Ok(length) => {
                read.extend_from_slice(bytes.get(..length).unwrap_or_default());
                keep_the_end(read);
            }
            // The next poll tells whether there is more to be had.
            Err(_) => {}
        }
    }

    /// Takes in all that is there now.
    pub(crate) fn take_in_all(&mut self) {
        while self.pollable().is_some_and(has_more) {
            self.take_in();
        }
    }

    /// All that the worker wrote, up to the last 64 KiB.
    pub(crate) fn text(&mut self) -> String {
        self.take_in_all();
        let bytes = match self {
            Self::Pipe { read, .. } | Self::Read(read) => std::mem::take(read),
            Self::Log { log, from } => read_from(log, *from).unwrap_or_default(),
            Self::None => Vec::new(),
        };
        let kept = bytes.get(bytes.len().saturating_sub(KEPT)..).unwrap_or_default();
        String::from_utf8_lossy(kept).trim_start_matches('\n').trim_end().to_owned()
    }
}

fn has_more(fd: BorrowedFd<'_>) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

fn read_from(log: &File, from: u64) -> io::Result<Vec<u8>> {
    let end = log.metadata()?.len();
    let start = from.max(end.saturating_sub(KEPT as u64));
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or_default()];
    let length = log.read_at(&mut bytes, start)?;
    bytes.truncate(length);
    Ok(bytes)
}

fn keep_the_end(read: &mut Vec<u8>) {
    if read.len() > 2 * KEPT {
        read.drain(..read.len() - KEPT);
    }
}

/// Gives all three streams to /dev/null, as far as it is there: for a process that only waits.
pub(crate) fn discard() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = dup2_stdin(&null);
        let _ = dup2_stdout(&null);
        let _ = dup2_stderr(&null);
    }
}
