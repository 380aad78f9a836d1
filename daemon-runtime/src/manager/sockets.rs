//! The sockets that the manager has opened for the daemon: `sd_listen_fds(3)`.

use std::env;
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::socket::{AddressFamily, SockType, SockaddrLike, SockaddrStorage, getsockname, getsockopt, sockopt};

use crate::sys::descriptor;

const PID: &str = "LISTEN_PID";
const COUNT: &str = "LISTEN_FDS";
const NAMES: &str = "LISTEN_FDNAMES";
pub(super) const VARIABLES: [&str; 3] = [PID, COUNT, NAMES];

/// The first of them, by definition.
const FIRST: RawFd = 3;

/// What one is called that has no name, by definition.
const NAMELESS: &str = "unknown";

/// A socket that the service manager has opened for the daemon, see [`Context::sockets`](crate::Context::sockets).
///
/// What it is, is asked of the kernel: taken for something else, it is an error that says what it is.
#[derive(Debug)]
pub struct Socket {
    name: String,
    fd: OwnedFd,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Sockets(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    /// Those that are for the worker, until it takes them.
    given: Vec<Socket>,
    /// Copies for the next image of the program: of all, and of those that are no connections also when they were taken.
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    name: String,
    fd: Arc<OwnedFd>,
}

impl Sockets {
    /// Those that this process was given. Who keeps one of them for himself has his own way with all.
    pub(super) fn here(own: &[RawFd]) -> io::Result<Self> {
        let Some(pid) = env::var_os(PID) else { return Ok(Self::default()) };
        let number = |text: &str| text.parse::<RawFd>().ok();
        let is_meant = pid.to_str().and_then(number) == i32::try_from(std::process::id()).ok();
        let count = env::var(COUNT).ok().as_deref().and_then(number).filter(|count| *count > 0 && is_meant);
        let Some(end) = count.and_then(|count| FIRST.checked_add(count)) else { return Ok(Self::default()) };
        if own.iter().any(|fd| (FIRST..end).contains(fd)) {
            return Ok(Self::default());
        }
        let list = env::var(NAMES).unwrap_or_default();
        let all = names(&list).zip(FIRST..end).map(|(name, fd)| (name.to_owned(), fd));
        // What is not open any more, or was made the program's own, has been taken before us.
        Self::of(all.map_while(|(name, fd)| descriptor::is_open(fd).then_some((name, fd))))
    }

    pub(super) fn handed(told: &[(String, RawFd)]) -> io::Result<Self> {
        Self::of(told.iter().cloned())
    }

    fn of(named: impl IntoIterator<Item = (String, RawFd)>) -> io::Result<Self> {
        let adopted = named.into_iter().filter_map(|(name, fd)| Some(Socket { name, fd: descriptor::adopt(fd)? }));
        Self::holding(adopted.collect())
    }

    fn holding(all: Vec<Socket>) -> io::Result<Self> {
        let given = all.iter().map(Socket::again).collect::<io::Result<_>>()?;
        let kept = all.into_iter().map(|Socket { name, fd }| Kept { name, fd: Arc::new(fd) }).collect();
        Ok(Self(Mutex::new(Held { given, kept })))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().kept.is_empty()
    }

    pub(super) fn take(&self) -> Vec<Socket> {
        let mut held = self.lock();
        // A connection is the worker's alone now: who is at its other end is to see the end of it when the worker lets go of it.
        held.kept.retain(|socket| !is_connection(&socket.fd));
        std::mem::take(&mut held.given)
    }

    /// The copies for the next image.
    pub(super) fn all(&self) -> Vec<Arc<OwnedFd>> {
        self.lock().kept.iter().map(|socket| Arc::clone(&socket.fd)).collect()
    }

    /// The numbers of those that are still to be taken.
    pub(super) fn given(&self) -> Vec<RawFd> {
        self.lock().given.iter().map(|socket| socket.fd.as_raw_fd()).collect()
    }

    pub(super) fn told(&self) -> Vec<(String, RawFd)> {
        self.lock().kept.iter().map(|socket| (socket.name.clone(), socket.fd.as_raw_fd())).collect()
    }

    /// The numbers of the copies; until one is handed on, that by which it was given.
    pub(super) fn kept(&self) -> Vec<RawFd> {
        self.lock().kept.iter().map(|socket| socket.fd.as_raw_fd()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names in their order. One may be empty, which is a name as any other; `sd_listen_fds_with_names(3)`.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(':').filter(|_| !list.is_empty()).chain(std::iter::repeat(NAMELESS))
}

/// Whether somebody is at its other end, and nobody else can come: it is no door that the next image could open again.
fn is_connection(fd: &impl AsFd) -> bool {
    let kind = getsockopt(fd, sockopt::SockType);
    let is_stream = matches!(kind, Ok(SockType::Stream | SockType::SeqPacket));
    is_stream && !getsockopt(fd, sockopt::AcceptConn).unwrap_or(false)
}

/// What a socket can be: its families, its type, and whether it listens.
type Kind = (&'static str, &'static [AddressFamily], SockType, bool);

const INTERNET: &[AddressFamily] = &[AddressFamily::Inet, AddressFamily::Inet6];
const UNIX: &[AddressFamily] = &[AddressFamily::Unix];

const TCP_LISTENER: Kind = ("a TCP listener", INTERNET, SockType::Stream, true);
const TCP_STREAM: Kind = ("a TCP connection", INTERNET, SockType::Stream, false);
const UDP_SOCKET: Kind = ("a UDP socket", INTERNET, SockType::Datagram, false);
const UNIX_LISTENER: Kind = ("a Unix listener", UNIX, SockType::Stream, true);
const UNIX_STREAM: Kind = ("a Unix connection", UNIX, SockType::Stream, false);
const UNIX_DATAGRAM: Kind = ("a Unix datagram socket", UNIX, SockType::Datagram, false);
const KINDS: [Kind; 6] = [TCP_LISTENER, TCP_STREAM, UDP_SOCKET, UNIX_LISTENER, UNIX_STREAM, UNIX_DATAGRAM];

impl Socket {
    /// Its name: `FileDescriptorName=` of the socket's unit, which is the unit's own name where it is left out; `unknown`
    /// where there are no names. A manager may give an empty one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As a listener for TCP connections (`ListenStream=` with a port).
    ///
    /// # Errors
    /// If it is something else.
    pub fn into_tcp_listener(self) -> io::Result<TcpListener> {
        self.into_one(&TCP_LISTENER).map(TcpListener::from)
    }

    /// As a TCP connection (`Accept=yes`).
    ///
    /// # Errors
    /// If it is something else.
    pub fn into_tcp_stream(self) -> io::Result<TcpStream> {
        self.into_one(&TCP_STREAM).map(TcpStream::from)
    }

    /// As a UDP socket (`ListenDatagram=` with a port).
    ///
    /// # Errors
    /// If it is something else.
    pub fn into_udp_socket(self) -> io::Result<UdpSocket> {
        self.into_one(&UDP_SOCKET).map(UdpSocket::from)
    }

    /// As a listener for Unix connections (`ListenStream=` with a path).
    ///
    /// # Errors
    /// If it is something else.
    pub fn into_unix_listener(self) -> io::Result<UnixListener> {
        self.into_one(&UNIX_LISTENER).map(UnixListener::from)
    }

    /// As a Unix connection (`Accept=yes`).
    ///
    /// # Errors
    /// If it is something else.
    pub fn into_unix_stream(self) -> io::Result<UnixStream> {
        self.into_one(&UNIX_STREAM).map(UnixStream::from)
    }

    /// As a Unix socket for datagrams (`ListenDatagram=` with a path).
    ///
    /// # Errors
    /// If it is something else.
    pub fn into_unix_datagram(self) -> io::Result<UnixDatagram> {
        self.into_one(&UNIX_DATAGRAM).map(UnixDatagram::from)
    }

    /// Another descriptor of the same socket.
    fn again(&self) -> io::Result<Self> {
        Ok(Self { name: self.name.clone(), fd: self.fd.try_clone()? })
    }

    fn into_one(self, wanted: &Kind) -> io::Result<OwnedFd> {
        if self.is_a(wanted) {
            return Ok(self.fd);
        }
        let is = KINDS.iter().find(|kind| self.is_a(kind)).map_or("something else", |(words, ..)| words);
        let text = format!("the service manager's `{}` is {is}, not {}", self.name, wanted.0);
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }

    fn is_a(&self, (_, families, kind, listens): &Kind) -> bool {
        let family = getsockname::<SockaddrStorage>(self.fd.as_raw_fd()).ok().and_then(|address| address.family());
        family.is_some_and(|family| families.contains(&family))
            && getsockopt(&self.fd, sockopt::SockType) == Ok(*kind)
            && getsockopt(&self.fd, sockopt::AcceptConn).unwrap_or(false) == *listens
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whatever it is: a FIFO, a netlink socket, a file.
impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        socket.fd
    }
}

#[cfg(test)]
#[cfg_attr(miri, allow(dead_code, unused_imports, reason = "sockets"))]
mod tests {
    use super::*;

    fn socket(fd: impl Into<OwnedFd>) -> Socket {
        Socket { name: "web".to_owned(), fd: fd.into() }
    }

    #[test]
    #[cfg_attr(miri, ignore = "sockets")]
    fn a_socket_is_what_the_kernel_says_and_nothing_else() {
        let listener = || socket(TcpListener::bind("127.0.0.1:0").expect("bound"));
        assert!(listener().into_tcp_listener().is_ok());
        let told = listener().into_unix_listener().expect_err("another kind").to_string();
        assert_eq!(told, "the service manager's `web` is a TCP listener, not a Unix listener");
        assert!(listener().into_tcp_stream().is_err());
        assert!(
            socket(UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0")).expect("bound"))
                .into_udp_socket()
                .is_ok()
        );
        let (stream, _other) = UnixStream::pair().expect("a pair");
        assert!(socket(stream).into_unix_stream().is_ok());
        let (datagram, _other) = UnixDatagram::pair().expect("a pair");
        assert!(socket(datagram).into_unix_datagram().is_ok());
        let file = socket(std::fs::File::open("/dev/null").expect("open"));
        assert!(file.into_tcp_listener().expect_err("no socket").to_string().contains("is something else"));
    }

    #[test]
    fn they_are_taken_once_and_their_copies_stay() {
        let sockets = Sockets::holding(vec![socket(std::fs::File::open("/dev/null").expect("open"))]).expect("copied");
        assert_eq!((sockets.take().len(), sockets.take().len(), sockets.told().len()), (1, 0, 1));
    }

    #[test]
    #[cfg_attr(miri, ignore = "sockets")]
    fn of_a_connection_nothing_is_kept_once_it_is_taken_and_its_peer_sees_the_end() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let door = TcpListener::bind("127.0.0.1:0").expect("bound");
        let datagrams = UdpSocket::bind("127.0.0.1:0").expect("bound");
        let sockets = Sockets::holding(vec![socket(ours), socket(door), socket(datagrams)]).expect("copied");
        assert_eq!((sockets.told().len(), sockets.all().len()), (3, 3));
        drop(sockets.take());
        assert_eq!((sockets.told().len(), sockets.all().len()), (2, 2));
        assert_eq!(io::Read::read(&mut theirs, &mut [0]).expect("the end"), 0);
    }

    #[test]
    fn a_name_stands_for_the_socket_in_its_place_though_it_is_empty() {
        let first = |list| names(list).take(3).collect::<Vec<_>>();
        assert_eq!(first("a:b:c"), ["a", "b", "c"]);
        assert_eq!(first(":web"), ["", "web", "unknown"]);
        assert_eq!(first("a::c"), ["a", "", "c"]);
        assert_eq!(first(""), ["unknown", "unknown", "unknown"]);
    }
}
