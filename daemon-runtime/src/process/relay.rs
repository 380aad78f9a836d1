//! Between the daemon's streams and its logs: a thread that reads what is written, and writes it to the logs line by line, so
//! that a log that takes nothing, on a full disk or a broken one, costs lines and nothing else.
//!
//! It is begun by the daemon, with `output = "relayed"` only, and belongs to it alone: a child that the worker forks has
//! neither the thread nor its ends of the pipes. Whatever ends the daemon in order waits here until all is written.

mod carrier;
mod connection;
mod log;
mod missing;
mod strand;
mod syslog;
mod target;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::{dup2_stderr, dup2_stdout, pipe2};

use self::carrier::{Carrier, Order, Still};
pub(crate) use self::connection::is_journal;
use self::log::{Log, Sink};
use self::missing::Missing;
use self::strand::Strand;
pub(crate) use self::syslog::open as open_syslog;
use self::target::Target;
use crate::sys::again::again;
use crate::sys::atfork::close_in_children;
use crate::sys::descriptor;

/// How long is waited for a log that neither takes anything nor says why.
const PATIENCE: Duration = Duration::from_secs(5);

/// One of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Out,
    Err,
}

impl Which {
    /// Its number among the standard descriptors.
    pub(crate) fn number(self) -> RawFd {
        match self {
            Self::Out => 1,
            Self::Err => 2,
        }
    }

    /// Puts a file in the stream's place.
    pub(crate) fn put(self, file: impl AsFd) -> io::Result<()> {
        match self {
            Self::Out => again(|| dup2_stdout(&file))?,
            Self::Err => again(|| dup2_stderr(&file))?,
        }
        Ok(())
    }

    /// What is in the stream's place.
    fn copy(self) -> io::Result<OwnedFd> {
        match self {
            Self::Out => io::stdout().as_fd().try_clone_to_owned(),
            Self::Err => io::stderr().as_fd().try_clone_to_owned(),
        }
    }
}

/// A stream that is to be relayed.
#[derive(Debug)]
pub(crate) struct Relayed {
    pub(crate) which: Which,
    pub(crate) log: OwnedFd,
    /// The daemon's name, where the log is the system's.
    pub(crate) syslog: Option<String>,
    /// Where the launcher listens until the daemon is ready.
    pub(crate) launcher: Option<OwnedFd>,
}

/// A stream as one image of the program hands it to the next.
#[derive(Debug)]
struct Handed {
    reader: OwnedFd,
    /// What is to be in the stream's place, if it is not already.
    writer: Option<OwnedFd>,
    log: OwnedFd,
}

/// The relay of this process.
struct Relay {
    orders: Sender<Order>,
    wake: Arc<EventFd>,
    /// Whether the launcher still listens.
    listens: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

static RELAY: Mutex<Option<Relay>> = Mutex::new(None);

/// Whose it is. Outside of the lock, which another thread of the daemon may have held while a child was forked.
static PID: AtomicU32 = AtomicU32::new(0);

/// Which of the streams it takes to a log of the system's, whose lines may begin with their priority.
static TO_SYSTEMS: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];

/// Begins to relay these streams, and puts the pipes in their places.
pub(crate) fn begin(streams: Vec<Relayed>) -> io::Result<()> {
    let (mut made, mut writers) = (Vec::new(), Vec::new());
    for stream in streams {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        writers.push((stream.which, writer));
        made.push((reader, stream));
    }
    start(made, &[])?;
    writers.iter().try_for_each(|(which, writer)| which.put(writer))
}

/// Goes on with what the program's image before this one relayed.
pub(crate) fn go_on(
    fds: [Option<OwnedFd>; 6],
    missing: &[[u64; 4]],
    syslog: impl Fn(Which) -> Option<String>,
) -> io::Result<()> {
    let (mut made, mut writers) = (Vec::new(), Vec::new());
    let [out_reader, out_writer, out_log, err_reader, err_writer, err_log] = fds;
    let streams = [(Which::Out, out_reader, out_writer, out_log), (Which::Err, err_reader, err_writer, err_log)];
    for (which, reader, writer, log) in streams {
        made.extend(
            reader
                .zip(log)
                .map(|(reader, log)| (reader, Relayed { which, log, syslog: syslog(which), launcher: None })),
        );
        writers.extend(writer.map(|writer| (which, writer)));
    }
    if made.is_empty() {
        return Ok(());
    }
    start(made, &missing.iter().copied().map(Missing::of_numbers).collect::<Vec<_>>())?;
    writers.iter().try_for_each(|(which, writer)| which.put(writer))
}

/// Begins the thread, with the pipes' ends that it reads from.
fn start(streams: Vec<(OwnedFd, Relayed)>, missing: &[Missing]) -> io::Result<()> {
    let mut logs: Vec<Log<Target>> = Vec::new();
    let mut strands = Vec::new();
    for (reader, Relayed { which, log: file, syslog, launcher }) in streams {
        // Two streams in one file must not part each other's lines.
        let known = logs.iter().position(|log| is_same(log.sink().file(), &file));
        let log = known.unwrap_or_else(|| {
            logs.push(Log::new(Target::new(file, syslog), missing.get(logs.len()).copied().unwrap_or_default()));
            logs.len() - 1
        });
        TO_SYSTEMS[which as usize].store(logs[log].sink().is_systems(), Ordering::SeqCst);
        strands.push(Strand::new(which, reader, log, launcher));
    }
    let readers: Vec<_> = strands.iter().map(|strand| strand.reader.as_raw_fd()).collect();
    let wake = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
    let (listens, (orders, waiting)) = (Arc::new(AtomicBool::new(true)), channel());
    let carrier = Carrier::new(strands, logs, waiting, Arc::clone(&wake), Arc::clone(&listens));
    let thread = thread::Builder::new().name("relay".to_owned()).spawn(move || carrier.carry())?;
    close_in_children(&readers);
    *lock() = Some(Relay { orders, wake, listens, thread });
    PID.store(std::process::id(), Ordering::SeqCst);
    Ok(())
}

/// Passes on what was written so far, to the launcher too.
pub(crate) fn pass_on() {
    ask(Order::PassOn);
}

/// The launcher does not listen any more.
pub(crate) fn forget_launcher() {
    with_mine(|relay| {
        relay.listens.store(false, Ordering::SeqCst);
        relay.wake();
    });
}

/// Turns to these logs, for what is written from now on. What was written before goes to the ones before.
pub(crate) fn turn_to(logs: [Option<OwnedFd>; 2]) {
    // Where a log keeps it, it is done when that lets go.
    ask(|done| Order::TurnTo(logs, done));
}

/// Writes all that was written so far to the logs, because the end is near: also a line without an end.
pub(crate) fn drain() {
    ask(Order::Drain);
}

/// Whether this process has one.
pub(crate) fn is_there() -> bool {
    PID.load(Ordering::SeqCst) == std::process::id()
}

/// Whether it takes this stream to a log whose lines may begin with their priority.
pub(crate) fn is_systems(which: Which) -> bool {
    is_there() && TO_SYSTEMS[which as usize].load(Ordering::SeqCst)
}

/// Ends the relay of a process that goes on without being a daemon: its streams are the logs themselves from now on.
pub(crate) fn end() {
    if ask(Order::End).is_some() {
        PID.store(0, Ordering::SeqCst);
        if let Some(relay) = lock().take() {
            // It does not panic, and if it did, the panic hook has told it.
            let _ = relay.thread.join();
        }
    }
}

/// The relay held still for the next image of the program; goes on when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    still: Still,
    /// Takes whom to tell that all is as it was.
    go_on: Sender<Sender<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (done, is_done) = channel();
        // Where nobody takes it, nobody holds.
        let _ = self.go_on.send(done);
        let _ = is_done.recv_timeout(PATIENCE);
    }
}

/// Holds the relay still, with nothing left in it; none where there is no relay.
pub(crate) fn hold() -> io::Result<Option<Held>> {
    if !is_there() {
        return Ok(None);
    }
    let (go_on, wait) = channel();
    match ask(|answer| Order::Hold(answer, wait)) {
        Some(still) => Ok(Some(Held { still: still?, go_on })),
        None => Err(io::Error::new(io::ErrorKind::TimedOut, "a log takes nothing, and does not say why")),
    }
}

impl Held {
    /// What is to stay open, as [`go_on`] takes it.
    pub(crate) fn fds(&self) -> [Option<BorrowedFd<'_>>; 6] {
        let mut fds = [None; 6];
        for (which, handed) in &self.still.streams {
            let Handed { reader, writer, log } = handed;
            let parts = [Some(reader.as_fd()), writer.as_ref().map(AsFd::as_fd), Some(log.as_fd())];
            let begin = 3 * *which as usize;
            fds[begin..begin + 3].copy_from_slice(&parts);
        }
        fds
    }

    /// What is still to be told in each of the logs, as [`go_on`] takes it.
    pub(crate) fn missing(&self) -> Vec<[u64; 4]> {
        self.still.missing.iter().map(Missing::numbers).collect()
    }
}

/// Gives an order, and waits for its answer; none where there is no relay, or where a log keeps it.
fn ask<T>(order: impl FnOnce(Sender<T>) -> Order) -> Option<T> {
    let (sender, answer) = channel();
    with_mine(|relay| {
        // Where nobody takes it, nobody answers.
        let _ = relay.orders.send(order(sender));
        relay.wake();
    })?;
    answer.recv_timeout(PATIENCE).ok()
}

impl Relay {
    fn wake(&self) {
        // It fails only where it is set already.
        let _ = self.wake.write(1);
    }
}

/// With the relay, where this process has one.
fn with_mine<T>(act: impl FnOnce(&Relay) -> T) -> Option<T> {
    if is_there() { lock().as_ref().map(act) } else { None }
}

fn lock() -> MutexGuard<'static, Option<Relay>> {
    // Nothing panics while it is held, so a poisoned lock still holds a whole value.
    RELAY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_same(one: &impl AsFd, other: &impl AsFd) -> bool {
    identity(one).is_some_and(|it| identity(other) == Some(it))
}

fn identity(file: &impl AsFd) -> Option<(u64, u64)> {
    descriptor::identity(file.as_fd().as_raw_fd()).ok()
}
