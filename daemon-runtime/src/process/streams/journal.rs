//! The journal of systemd as a stream: each line that is written to it is an entry.

use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The priority of a line that does not begin with one; syslog(3), `LOG_INFO`.
const INFO: u8 = 6;

/// Connects to where systemd-journald takes streams. The daemon keeps the connection as it keeps a file that was opened early, so
/// neither its user nor its root directory need have a way there.
pub(super) fn connect(socket: &Path, name: &str) -> io::Result<OwnedFd> {
    let mut stream = UnixStream::connect(socket).map_err(|e| match e.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            io::Error::new(e.kind(), "no systemd-journald listens there; where there is none, name a file")
        }
        _ => e,
    })?;
    stream.write_all(header(name).as_bytes())?;
    // Nothing ever comes back.
    stream.shutdown(Shutdown::Read)?;
    Ok(stream.into())
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
        let stream = connect(&path, "greeter").expect("connected");
        UnixStream::from(stream).write_all(b"<3>words\n").expect("written");
        let mut heard = String::new();
        listener.accept().expect("accepted").0.read_to_string(&mut heard).expect("read");
        assert_eq!(heard, "greeter\n\n6\n1\n0\n0\n0\n<3>words\n");
        std::fs::remove_file(&path).expect("ours");
        assert!(connect(&path, "greeter").expect_err("nobody").to_string().starts_with("no systemd-journald"));
    }
}
