//! The journal of systemd as a stream: each line that is written to it is an entry.

use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};

use crate::sys::again::again;

/// The priority of a line that does not begin with one; syslog(3), `LOG_INFO`.
const INFO: u8 = 6;

/// How long a journald with no room for one more who waits for it is given. The launcher hears no interrupt meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long until it is tried again: nothing tells when there is room.
const PAUSE: Duration = Duration::from_millis(20);

/// Connects to where systemd-journald takes streams, in no more than `time`. The daemon keeps the connection as it keeps a file that
/// was opened early, so neither its user nor its root directory need have a way there.
pub(super) fn connect(socket: &Path, name: &str, time: Duration) -> io::Result<OwnedFd> {
    let mut stream = connected(socket, time.min(PATIENCE)).map_err(|e| match e.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            io::Error::new(e.kind(), "no systemd-journald listens there; where there is none, name a file")
        }
        ErrorKind::WouldBlock => io::Error::new(
            ErrorKind::TimedOut,
            "systemd-journald listens there, but lets nobody in; restart it, or name a file",
        ),
        _ => e,
    })?;
    stream.write_all(header(name).as_bytes())?;
    // Nothing ever comes back.
    stream.shutdown(Shutdown::Read)?;
    Ok(stream.into())
}

/// Without waiting in the kernel, where no time could end it: `EAGAIN` says that there are too many who wait already; connect(2).
fn connected(socket: &Path, time: Duration) -> io::Result<UnixStream> {
    let address = UnixAddr::new(socket)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let stream = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let begun = Instant::now();
    loop {
        match again(|| socket::connect(stream.as_raw_fd(), &address)) {
            Err(Errno::EAGAIN) if begun.elapsed() < time => thread::sleep(PAUSE),
            connected => break connected?,
        }
    }
    let stream = UnixStream::from(stream);
    // As a stream it waits, as any file does.
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// What journald wants to know first, as `sd_journal_stream_fd(3)` says it: who it is, in no unit that it is told of, the priority,
/// that a line may begin with another one, and that what it forwards elsewhere is for its own settings to say.
fn header(name: &str) -> String {
    format!("{name}\n\n{INFO}\n1\n0\n0\n0\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixListener;

    #[test]
    fn who_listens_is_told_the_name_before_the_lines() {
        let path = std::env::temp_dir().join(format!("journal-{}", std::process::id()));
        let listener = UnixListener::bind(&path).expect("bound");
        let stream = connect(&path, "greeter", PATIENCE).expect("connected");
        UnixStream::from(stream).write_all(b"<3>words\n").expect("written");
        let mut heard = String::new();
        listener.accept().expect("accepted").0.read_to_string(&mut heard).expect("read");
        assert_eq!(heard, "greeter\n\n6\n1\n0\n0\n0\n<3>words\n");
        std::fs::remove_file(&path).expect("ours");
        assert!(
            connect(&path, "greeter", PATIENCE).expect_err("nobody").to_string().starts_with("no systemd-journald")
        );
    }
    #[test]
    #[cfg_attr(miri, ignore = "sockets")]
    fn one_that_lets_nobody_in_is_given_its_time_and_is_an_error_then() {
        let path = std::env::temp_dir().join(format!("busy-{}", std::process::id()));
        let listener = UnixListener::bind(&path).expect("bound");
        socket::listen(&listener, socket::Backlog::new(1).expect("a length")).expect("it listens already");
        let waiting: Vec<_> = std::iter::from_fn(|| connected(&path, Duration::ZERO).ok()).collect();
        let refused = connect(&path, "greeter", Duration::from_millis(50)).expect_err("there is no room");
        assert_eq!(
            refused.to_string(),
            "systemd-journald listens there, but lets nobody in; restart it, or name a file"
        );

        // One that was only busy lets him in.
        let is_late = thread::spawn({
            let path = path.clone();
            move || connect(&path, "greeter", PATIENCE).map(drop)
        });
        let _others: Vec<_> = waiting.iter().map(|_| listener.accept().expect("accepted")).collect();
        assert!(is_late.join().expect("joined").is_ok());
        std::fs::remove_file(&path).expect("ours");
    }
}
