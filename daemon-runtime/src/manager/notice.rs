//! The way to a manager that wants to be told: a datagram for each word.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::sys::socket::{MsgFlags, send};

use crate::sys::again::again;

/// How long a word may take. A manager that stands still must not stand in the daemon's way for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a word waits for a manager that does not read just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// As long as its patience lasts.
    Awhile,
    Never,
}

#[derive(Debug)]
pub(super) struct Notice {
    socket: UnixDatagram,
    /// Where it leads, if that has a name.
    address: Option<SocketAddr>,
}

impl Notice {
    /// Connected from the beginning: later its path may be out of reach, in another root or for another user.
    pub(super) fn connect(address: &OsStr) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            [b'/', ..] => SocketAddr::from_pathname(address),
            // vsock(7), by which a whole machine speaks to its host, is nothing that a daemon in it is given.
            _ => Err(io::Error::new(ErrorKind::Unsupported, "neither an absolute path nor an abstract name")),
        }?;
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket, address: Some(address) })
    }

    /// The one that the image before this one had.
    pub(super) fn handed(fd: OwnedFd) -> Self {
        let socket = UnixDatagram::from(fd);
        Self { address: socket.peer_addr().ok(), socket }
    }

    pub(super) fn send(&self, word: &[u8], wait: Wait) -> io::Result<()> {
        let flags = match wait {
            Wait::Awhile => MsgFlags::MSG_NOSIGNAL,
            Wait::Never => MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT,
        };
        let say = || again(|| send(self.socket.as_raw_fd(), word, flags)).map(drop).map_err(io::Error::from);
        let said = say();
        let is_gone = |e: &io::Error| matches!(e.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotConnected);
        match &self.address {
            // A manager that was begun anew has a new socket in the old one's place.
            Some(address) if said.as_ref().is_err_and(is_gone) && self.socket.connect_addr(address).is_ok() => say(),
            _ => said,
        }
    }
}

impl AsFd for Notice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).expect("a word");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    #[cfg_attr(miri, ignore = "sockets")]
    fn a_word_arrives_at_a_path_at_an_abstract_name_and_at_who_has_taken_the_place() {
        let path = std::env::temp_dir().join(format!("notice-{}", std::process::id()));
        let manager = UnixDatagram::bind(&path).expect("bound");
        let notice = Notice::connect(path.as_os_str()).expect("connected");
        notice.send(b"one", Wait::Awhile).expect("sent");
        assert_eq!(heard(&manager), "one");
        drop(manager);
        std::fs::remove_file(&path).expect("removed");
        let next = UnixDatagram::bind(&path).expect("bound");
        notice.send(b"two", Wait::Never).expect("sent");
        assert_eq!(heard(&next), "two");
        std::fs::remove_file(&path).expect("removed");

        let name = format!("notice-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let manager = UnixDatagram::bind_addr(&address).expect("bound");
        Notice::connect(OsStr::new(&format!("@{name}")))
            .expect("connected")
            .send(b"three", Wait::Awhile)
            .expect("sent");
        assert_eq!(heard(&manager), "three");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in ["relative", "vsock:2:1234", "/nowhere/at/all"] {
            assert!(Notice::connect(OsStr::new(address)).is_err(), "{address}");
        }
    }
}
