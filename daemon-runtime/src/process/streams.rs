//! The standard streams: opened in the launcher, put in their places in the daemon, and listened to until the daemon is
//! ready.

mod capture;
mod journal;
mod open;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};

pub(crate) use self::capture::{Capture, Captures, trimmed};
pub(super) use self::open::open_log;
use self::open::{open_or_given, open_stdin};
use super::relay::{self, Relayed, Which};
use crate::error::Error;
use crate::folder::Owner;
use crate::spec::plan::Plan;
use crate::spec::setting::Output;
use crate::spec::stream::Stream;
use crate::sys::again::again;
use crate::sys::descriptor;

/// The files that become the daemon's streams.
#[derive(Debug)]
pub(crate) struct Streams {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    /// Where what is written is listened to through a pipe until the daemon is ready.
    out_pipe: Option<Pipe>,
    err_pipe: Option<Pipe>,
    /// The launcher's own stdout and stderr, for a new image of the program, which does not have them any more: what hooks
    /// print belongs there.
    terminal: Option<[OwnedFd; 2]>,
}

/// A pipe, of which the session leader keeps the reading end: it reads it empty for children that still write to it.
#[derive(Debug)]
pub(crate) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

/// Which streams the launcher listens to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Listen {
    /// To stderr, as far as the worker writes to it: it is shown where the start fails.
    #[default]
    ToErrors,
    /// To both, from the fork on: the caller gets the text.
    ToAll,
}

/// What takes the places of the pipes once the daemon is ready.
#[derive(Debug, Default)]
pub(crate) struct Later(Vec<(Which, OwnedFd)>);

impl Later {
    /// Puts them in their places. Children that the worker has started keep the pipe; the session leader reads it empty.
    pub(crate) fn settle(&mut self) {
        for (which, file) in self.0.drain(..) {
            // It cannot fail: all descriptors are open. Were it to, the stream would stay the pipe, which is read.
            let _ = which.put(&file);
        }
        relay::forget_launcher();
    }
}

impl Streams {
    /// Opens all three, so that what is wrong with them is told before anything is forked. A log that is not there is made,
    /// and belongs to `owner`.
    pub(crate) fn open(plan: &Plan, owner: Owner, listen: Listen) -> Result<(Self, Captures), Error> {
        let stdin = named("stdin", &plan.stdin, open_or_given(plan, &plan.stdin, open_stdin))?;
        let stdout = named("stdout", &plan.stdout, open_or_given(plan, &plan.stdout, |path| open_log(path, owner)))?;
        let stderr = match (&plan.stdout, &plan.stderr) {
            // One log for both is opened once.
            (Stream::Path(out), Stream::Path(err)) if out == err => stdout.try_clone(),
            (_, stderr) => open_or_given(plan, stderr, |path| open_log(path, owner)),
        };
        let stderr = named("stderr", &plan.stderr, stderr)?;
        let (out, err) = (plan.output_of(Which::Out), plan.output_of(Which::Err));
        let pipe = |stream, path, file, output| named(stream, path, pipe_for(file, listen, output));
        let err_pipe = pipe("stderr", &plan.stderr, &stderr, err)?;
        let out_pipe = match listen {
            Listen::ToErrors => None,
            Listen::ToAll => pipe("stdout", &plan.stdout, &stdout, out)?,
        };
        let captures = Captures {
            listen,
            stderr: named("stderr", &plan.stderr, Capture::of(&stderr, err_pipe.as_ref(), err))?,
            stdout: match &out_pipe {
                None => Capture::default(),
                // One text is not told twice.
                Some(pipe) if plan.stdout.path() == plan.stderr.path() => Capture::of_pipe(pipe).map_err(channel)?,
                pipe => named("stdout", &plan.stdout, Capture::of(&stdout, pipe.as_ref(), out))?,
            },
        };
        Ok((Self { stdin, stdout, stderr, out_pipe, err_pipe, terminal: None }, captures))
    }

    /// Keeps what this process has as stdout and stderr now.
    pub(crate) fn keep_terminal(&mut self) -> io::Result<()> {
        self.terminal = Some([io::stdout().as_fd().try_clone_to_owned()?, io::stderr().as_fd().try_clone_to_owned()?]);
        Ok(())
    }

    /// What is written before the streams are in their places goes to who listens to it, or to the launcher's terminal.
    pub(crate) fn listen_early(&self) -> io::Result<()> {
        if let (Some(out), Some(err)) = (&self.out_pipe, &self.err_pipe) {
            again(|| dup2_stdout(&out.writer))?;
            again(|| dup2_stderr(&err.writer))?;
        } else if let Some([stdout, stderr]) = &self.terminal {
            again(|| dup2_stdout(stdout))?;
            again(|| dup2_stderr(stderr))?;
        }
        Ok(())
    }

    /// Puts them in their places. What comes back takes the places of the pipes once the daemon is ready.
    pub(crate) fn redirect(self, plan: &Plan) -> io::Result<Later> {
        again(|| dup2_stdin(&self.stdin))?;
        let (mut later, mut relayed) = (Later::default(), Vec::new());
        let outputs = [(Which::Out, self.stdout, self.out_pipe), (Which::Err, self.stderr, self.err_pipe)];
        for (which, file, pipe) in outputs {
            let syslog = plan.syslog(which);
            match (is_null_device(&file), plan.output_of(which), pipe) {
                (true, _, Some(pipe)) => {
                    which.put(&pipe.writer)?;
                    later.0.push((which, file));
                }
                (false, Output::Relayed, pipe) => {
                    relayed.push(Relayed { which, log: file, syslog, launcher: pipe.map(|pipe| pipe.writer) });
                }
                _ => which.put(&file)?,
            }
        }
        if !relayed.is_empty() {
            relay::begin(relayed)?;
        }
        Ok(later)
    }

    /// The descriptors that must outlive the closing of all others.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        self.parts().into_iter().flatten().map(|fd| fd.as_raw_fd()).collect()
    }

    /// All of it, to be handed on to another image of this program: the three, the two pipes' ends, and the launcher's own.
    pub(crate) fn parts(&self) -> [Option<BorrowedFd<'_>>; 9] {
        [
            Some(self.stdin.as_fd()),
            Some(self.stdout.as_fd()),
            Some(self.stderr.as_fd()),
            self.out_pipe.as_ref().map(|pipe| pipe.reader.as_fd()),
            self.out_pipe.as_ref().map(|pipe| pipe.writer.as_fd()),
            self.err_pipe.as_ref().map(|pipe| pipe.reader.as_fd()),
            self.err_pipe.as_ref().map(|pipe| pipe.writer.as_fd()),
            self.terminal.as_ref().map(|[stdout, _]| stdout.as_fd()),
            self.terminal.as_ref().map(|[_, stderr]| stderr.as_fd()),
        ]
    }

    /// The other way round.
    pub(crate) fn handed(parts: [Option<OwnedFd>; 9]) -> Option<Self> {
        let [stdin, stdout, stderr, out_reader, out_writer, err_reader, err_writer, own_out, own_err] = parts;
        let pipe = |reader: Option<OwnedFd>, writer: Option<OwnedFd>| Some(Pipe { reader: reader?, writer: writer? });
        let (out_pipe, err_pipe) = (pipe(out_reader, out_writer), pipe(err_reader, err_writer));
        let terminal = own_out.zip(own_err).map(|(stdout, stderr)| [stdout, stderr]);
        Some(Self { stdin: stdin?, stdout: stdout?, stderr: stderr?, out_pipe, err_pipe, terminal })
    }

    /// What is written to stderr before the streams are in their places, where the program was started anew.
    pub(crate) fn early_stderr(&self) -> BorrowedFd<'_> {
        self.err_pipe.as_ref().map_or(self.stderr.as_fd(), |pipe| pipe.writer.as_fd())
    }

    /// What the session leader needs of them: the pipes' other ends, to read them empty when the launcher is gone.
    pub(crate) fn drains(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [&self.out_pipe, &self.err_pipe].map(|pipe| pipe.as_ref().map(|pipe| pipe.reader.as_fd()))
    }

    /// The same; the rest is closed.
    pub(crate) fn into_drains(self) -> [Option<OwnedFd>; 2] {
        [self.out_pipe, self.err_pipe].map(|pipe| pipe.map(|pipe| pipe.reader))
    }
}

fn named<T>(name: &'static str, stream: &Stream, result: io::Result<T>) -> Result<T, Error> {
    result.map_err(|source| Error::Stream { stream: name, path: stream.path(), source })
}

fn channel(source: io::Error) -> Error {
    Error::Channel { source }
}

/// A pipe in the place of what keeps nothing, and for what is relayed, which the log may not take; where all is listened to,
/// also for what is written before the streams are in their places.
fn pipe_for(file: &OwnedFd, listen: Listen, output: Output) -> io::Result<Option<Pipe>> {
    if listen == Listen::ToErrors && output == Output::Direct && !is_null_device(file) {
        return Ok(None);
    }
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok(Some(Pipe { reader, writer }))
}

// The device of /dev/null, under whatever name: 1, 3 in Linux's list of devices.
fn is_null_device(file: &OwnedFd) -> bool {
    let is_char_device = |file: &FileStat| file.st_mode & libc::S_IFMT == libc::S_IFCHR;
    fstat(file).is_ok_and(|file| is_char_device(&file) && file.st_rdev == libc::makedev(1, 3))
}

/// Makes sure that the three standard descriptors are open, in a program that has closed some: else what we open next would
/// get their numbers, and what is printed would be written into it.
pub(crate) fn ensure_standard() {
    if (0..=2).all(descriptor::is_open) {
        return;
    }
    // Where there is no /dev/null: the root directory, through which nothing can be read or written either.
    let root = |_| again(|| open("/", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())).map(File::from);
    let null = || File::options().read(true).write(true).open("/dev/null");
    while let Ok(null) = null().or_else(root) {
        if null.as_raw_fd() > 2 {
            return;
        }
        // It is the standard descriptor now, and stays.
        std::mem::forget(null);
    }
}

/// Gives all three streams to /dev/null, as far as it is there: for a process that only waits.
pub(crate) fn discard() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = again(|| dup2_stdin(&null));
        let _ = again(|| dup2_stdout(&null));
        let _ = again(|| dup2_stderr(&null));
    }
}

/// Before a fork: what stands in the buffers would come out twice, once in each process.
pub(super) fn flush() {
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
}
