//! What the launcher hears of the daemon's streams until it is ready.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, fstat};

use super::{Listen, Pipe};
use crate::spec::setting::Output;
use crate::sys::again::again;

/// How much of what was written is kept for the terminal: the end of it.
const KEPT: usize = 64 * 1024;

/// How often a pipe is read in a row: it holds 64 KiB, so this is more than was in it.
const MOST_READS: u32 = 64;

/// What is heard of both streams.
#[derive(Debug, Default)]
pub(crate) struct Captures {
    /// For whom: of a start that has worked, only the caller wants to have it.
    pub(crate) listen: Listen,
    /// Only where the caller wants to have it.
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
}

/// What is heard of one stream.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    /// What comes through a pipe, as long as somebody can write to it.
    pipe: Option<File>,
    read: Vec<u8>,
    /// A log that can be read back, and where it ended before.
    log: Option<(OwnedFd, u64)>,
    /// Where in the log it is to end.
    until: Option<u64>,
}

impl Capture {
    pub(super) fn of_pipe(pipe: &Pipe) -> io::Result<Self> {
        Ok(Self { pipe: Some(File::from(pipe.reader.try_clone()?)), ..Self::default() })
    }

    /// A device or a FIFO cannot be read back, and so nothing is heard of it, unless it is relayed: then all comes through the
    /// pipe, also what the log does not take.
    pub(super) fn of(stream: &OwnedFd, pipe: Option<&Pipe>, output: Output) -> io::Result<Self> {
        let file = fstat(stream)?;
        let is_read_back = file.st_mode & libc::S_IFMT == libc::S_IFREG && output == Output::Direct;
        let length = u64::try_from(file.st_size).unwrap_or_default();
        let log = if is_read_back { Some((stream.try_clone()?, length)) } else { None };
        let pipe = pipe.map(Self::of_pipe).transpose()?.unwrap_or_default();
        Ok(Self { log, ..pipe })
    }

    /// What can be polled for more.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Takes in some of what is there, so that the worker never waits for us.
    pub(crate) fn take_in(&mut self) {
        let Some(pipe) = self.pipe.as_mut().filter(|pipe| has_more(pipe.as_fd())) else { return };
        let mut bytes = [0_u8; 4096];
        match pipe.read(&mut bytes) {
            Ok(0) => self.pipe = None,
            Ok(length) => {
                self.read.extend_from_slice(bytes.get(..length).unwrap_or_default());
                keep_the_end(&mut self.read);
            }
            // The next poll tells whether there is more to be had.
            Err(_) => {}
        }
    }

    /// Takes in all that is there now, but goes on for no one who writes without end.
    pub(crate) fn take_in_all(&mut self) {
        let mut left = MOST_READS;
        while left > 0 && self.pollable().is_some_and(has_more) {
            self.take_in();
            left -= 1;
        }
    }

    /// What is written to the log beyond this length does not count.
    pub(crate) fn ends_at(&mut self, length: u64) {
        self.until = Some(length);
    }

    /// All that was written, up to the last 64 KiB.
    pub(crate) fn text(&mut self) -> String {
        let bytes = self.bytes();
        let kept = bytes.get(bytes.len().saturating_sub(KEPT)..).unwrap_or_default();
        String::from_utf8_lossy(kept).into_owned()
    }

    /// The same for a terminal, without blank lines around it.
    pub(crate) fn trimmed(&mut self) -> String {
        trimmed(&self.text())
    }

    fn bytes(&mut self) -> Vec<u8> {
        self.take_in_all();
        let mut bytes = std::mem::take(&mut self.read);
        if let Some((log, from)) = &self.log {
            let read = open_again(log).and_then(|log| read_from(&log, *from, self.until.unwrap_or(u64::MAX)));
            bytes.extend(read.unwrap_or_default());
        }
        bytes
    }
}

/// A text for a terminal, without blank lines around it.
pub(crate) fn trimmed(text: &str) -> String {
    text.trim_start_matches('\n').trim_end().to_owned()
}

// By its descriptor: the path may lead to another file by now.
fn open_again(stream: &OwnedFd) -> io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
    Ok(again(|| open(path.as_str(), flags, Mode::empty()))?.into())
}

fn has_more(fd: BorrowedFd<'_>) -> bool {
    poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

fn read_from(log: &File, from: u64, until: u64) -> io::Result<Vec<u8>> {
    let end = log.metadata()?.len().min(until);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn who_writes_without_end_keeps_nobody() {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC).expect("a pipe");
        let pipe = Pipe { reader, writer };
        let mut capture = Capture::of_pipe(&pipe).expect("heard");
        let mut writer = File::from(pipe.writer);
        let writing = std::thread::spawn(move || while writer.write_all(&[b'x'; 4096]).is_ok() {});
        for _ in 0..100 {
            capture.take_in_all();
        }
        assert!(capture.read.len() <= 2 * KEPT);
        // The last readers go, and with them what keeps the writer.
        drop((capture, pipe.reader));
        writing.join().expect("it has ended");
    }

    #[test]
    fn what_is_heard_is_the_file_that_is_open_whatever_its_name_leads_to_by_now() {
        let path = std::env::temp_dir().join(format!("capture-{}", std::process::id()));
        let log = File::options().append(true).create_new(true).open(&path).expect("made");
        std::fs::remove_file(&path).expect("ours");
        std::fs::write(&path, "another's\n").expect("written");
        let stream = OwnedFd::from(log);
        let mut capture = Capture::of(&stream, None, Output::Direct).expect("heard");
        File::from(stream).write_all(b"ours\n").expect("written");
        assert_eq!(capture.text(), "ours\n");
        std::fs::remove_file(&path).expect("ours");
    }
}
