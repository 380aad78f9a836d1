//! The service manager that began this program: what it has given, and what it wants told. `sd_notify(3)`,
//! `sd_watchdog_enabled(3)`, `sd_listen_fds(3)`.
//!
//! Our own few lines instead of a crate: the ones that there are find the manager anew by its path for every word, which is
//! out of reach in another root, and count what they are given once more in every process.

mod newline;
mod notice;
mod sockets;
mod watchdog;

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use self::newline::Newline;
use self::notice::{Notice, Wait};
pub use self::sockets::Socket;
use self::sockets::Sockets;
use self::watchdog::Watchdog;
use crate::error::{Error, within, words};
use crate::sys::clock::monotonic;
use crate::sys::descriptor;
use crate::sys::environ;

const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";
/// systemd takes no notice of more than 4096 bytes: `NOTIFY_BUFFER_MAX` in its sources.
const LONGEST_STATUS: usize = 4000;

const OF_NOTICES: [&str; 3] = [NOTIFY_SOCKET, watchdog::USEC, watchdog::PID];

/// The service manager. Where there is none, nothing of this is there.
pub(crate) struct Manager {
    /// Who speaks to it. A child that the worker has forked inherits all of this, and must not.
    pid: u32,
    notice: Option<Notice>,
    newline: Newline,
    watchdog: Option<Watchdog>,
    sockets: Sockets,
    is_stopping: AtomicBool,
    is_out_of_reach: AtomicBool,
    report: Report,
}

/// How it is told that the manager cannot be told anything.
type Report = fn(&str);

impl Manager {
    /// The one that has begun this process, if one has. `own` are descriptors that the program keeps for itself.
    pub(crate) fn here(own: &[RawFd], report: Report) -> Result<Option<Self>, Error> {
        let address = env::var_os(NOTIFY_SOCKET).filter(|address| !address.is_empty());
        let sockets = Sockets::here(own).map_err(|source| Error::Sockets { source })?;
        let newline = Newline::here(&sockets.kept(), report);
        if address.is_none() && sockets.is_empty() && env::var_os(newline::VARIABLE).is_none() {
            return Ok(None);
        }
        let notice = address.as_deref().and_then(|address| reached(address, report));
        let watchdog = notice.as_ref().and_then(|_| Watchdog::here());
        Ok(Some(Self { newline, ..Self::with(notice, watchdog, sockets, report) }))
    }

    fn with(notice: Option<Notice>, watchdog: Option<Watchdog>, sockets: Sockets, report: Report) -> Self {
        let (is_stopping, is_out_of_reach) = (AtomicBool::new(false), AtomicBool::new(false));
        let (pid, newline) = (std::process::id(), Newline::default());
        Self { pid, notice, newline, watchdog, sockets, is_stopping, is_out_of_reach, report }
    }

    /// In the process that is to be the daemon. Its children are not to speak in its name, even where it cannot itself, nor to
    /// take its sockets for theirs; where other threads run already the variables stay, and the manager listens to the daemon
    /// alone.
    pub(crate) fn of_daemon(self) -> Self {
        let of_sockets = sockets::VARIABLES.iter().filter(|_| !self.sockets.is_empty());
        for key in OF_NOTICES.iter().chain([&newline::VARIABLE]).chain(of_sockets) {
            let _ = environ::remove(OsStr::new(key));
        }
        Self { pid: std::process::id(), ..self }
    }

    /// The same, where the launcher is another process, and tells that the daemon is ready.
    pub(crate) fn of_daemon_apart(self) -> Self {
        let manager = self.of_daemon();
        manager.newline.leave();
        manager
    }

    /// The daemon is ready.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
        self.end_line();
    }

    /// The daemon is ready, and it is not the process that was begun.
    /// Until it is told so it hears nothing of what that one says of itself: `said` is what that was.
    pub(crate) fn ready_as(&self, pid: i32, said: Option<&str>) {
        let said = said.map(|text| format!("\n{}", status_of(text))).unwrap_or_default();
        self.say(&format!("MAINPID={pid}\nREADY=1{said}"));
        self.end_line();
    }

    fn end_line(&self) {
        if self.is_speaker() {
            if let Err(e) = self.newline.say() {
                (self.report)(&untold(newline::VARIABLE, &words(&e)));
            }
        }
    }

    /// What the daemon is doing, on one line.
    pub(crate) fn status(&self, text: &str) {
        if self.notice.is_some() {
            self.say(&status_of(text));
        }
    }

    /// The end has begun. It does not wait for a manager that does not read.
    pub(crate) fn stopping(&self) {
        if self.is_speaker() && !self.is_stopping.swap(true, Ordering::SeqCst) {
            self.send("STOPPING=1", Wait::Never);
        }
    }

    /// A reload has begun. It is over when what comes back is dropped; in another image of the program, when that is ready.
    pub(crate) fn reloading(&self) -> Reloading<'_> {
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic().as_micros()));
        Reloading(self)
    }

    /// A sign of life, if one is wanted.
    pub(crate) fn beat(&self) {
        if self.watchdog.as_ref().is_some_and(Watchdog::is_due) {
            self.send("WATCHDOG=1", Wait::Never);
        }
    }

    /// A sign of life of the thread that the worker was begun in; no other vouches for it.
    pub(crate) fn beat_of_worker(&self) {
        if self.watchdog.as_ref().is_some_and(Watchdog::is_workers_thread) {
            self.beat();
        }
    }

    /// How long a sign of life may be put off, where they are wanted.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.watchdog.as_ref().map(Watchdog::pause)
    }

    /// The same, asked by who waits: for other threads than the worker's there is nothing to give a sign of.
    pub(crate) fn pause_of_worker(&self) -> Option<Duration> {
        self.watchdog.as_ref().filter(|watchdog| watchdog.is_workers_thread()).map(Watchdog::pause)
    }

    /// How often it wants a sign of life, for who will not give one.
    pub(crate) fn wants_beats(&self) -> Option<Duration> {
        self.watchdog.as_ref().map(Watchdog::every)
    }

    /// The sockets that were not taken yet.
    pub(crate) fn take_sockets(&self) -> Vec<Socket> {
        if self.is_speaker() { self.sockets.take() } else { Vec::new() }
    }

    fn is_speaker(&self) -> bool {
        self.pid == std::process::id()
    }

    /// One that was waited for in vain is not waited for again.
    fn say(&self, text: &str) {
        let is_out_of_reach = self.is_out_of_reach.load(Ordering::SeqCst);
        self.send(text, if is_out_of_reach { Wait::Never } else { Wait::Awhile });
    }

    fn send(&self, text: &str, wait: Wait) {
        let Some(notice) = self.notice.as_ref().filter(|_| self.is_speaker()) else { return };
        match notice.send(text.as_bytes(), wait) {
            // It may only be slow.
            Err(e) if wait == Wait::Never && e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) if !self.is_out_of_reach.swap(true, Ordering::SeqCst) => {
                (self.report)(&untold(NOTIFY_SOCKET, &words(&e)));
            }
            _ => {}
        }
    }

    /// All that is open for it, and for the next image of the program.
    pub(crate) fn fds(&self) -> Vec<Box<dyn AsFd + '_>> {
        let notice = self.notice.iter().map(|notice| Box::new(notice) as Box<dyn AsFd + '_>);
        notice.chain(self.sockets.all().into_iter().map(|socket| Box::new(socket) as _)).collect()
    }

    /// The numbers of all that is open for it.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        let notice = self.notice.iter().map(|notice| notice.as_fd().as_raw_fd());
        notice.chain(self.sockets.kept()).chain(self.sockets.given()).chain(self.newline.number()).collect()
    }

    /// What the next image of the program is told of it.
    pub(crate) fn told(&self) -> Given {
        Given {
            notice: self.notice.as_ref().map(|notice| notice.as_fd().as_raw_fd()),
            watchdog: self.watchdog.as_ref().map(Watchdog::told),
            sockets: self.sockets.told(),
        }
    }

    /// The one that the image before this one was begun by.
    pub(crate) fn handed(given: &Given, report: Report) -> Result<Self, Error> {
        let notice = given.notice.and_then(descriptor::adopt).map(Notice::handed);
        let watchdog = given.watchdog.map(Watchdog::of);
        let sockets = Sockets::handed(&given.sockets).map_err(|source| Error::Sockets { source })?;
        Ok(Self::with(notice, watchdog, sockets, report))
    }
}

/// A reload that goes on.
pub(crate) struct Reloading<'a>(&'a Manager);

impl Drop for Reloading<'_> {
    fn drop(&mut self) {
        self.0.ready();
    }
}

fn reached(address: &OsStr, report: Report) -> Option<Notice> {
    match Notice::connect(address) {
        Ok(notice) => Some(notice),
        Err(e) => {
            report(&untold(NOTIFY_SOCKET, &format!("{}: {}", address.to_string_lossy(), words(&e))));
            None
        }
    }
}

fn untold(variable: &str, why: &str) -> String {
    format!("warning: the service manager cannot be told how the daemon is ({variable}): {why}")
}

/// A second line would be another message.
fn status_of(text: &str) -> String {
    format!("STATUS={}", within(text, LONGEST_STATUS).replace(['\n', '\r', '\0'], " "))
}

/// Whether the variable is for the launcher alone.
pub(crate) fn is_for_launcher(key: &OsStr) -> bool {
    key == newline::VARIABLE
}

/// What one image of the program tells the next of its manager.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// Where notices go.
    pub(crate) notice: Option<RawFd>,
    /// How often a sign of life is wanted, in microseconds.
    pub(crate) watchdog: Option<u64>,
    /// The sockets, by name.
    pub(crate) sockets: Vec<(String, RawFd)>,
}

impl Given {
    pub(crate) fn to_json(&self) -> Value {
        json!({ "notice": self.notice, "watchdog": self.watchdog, "sockets": self.sockets })
    }

    pub(crate) fn parse(told: &Value) -> Self {
        let fd = |value: &Value| RawFd::try_from(value.as_u64()?).ok();
        let socket = |pair: &Value| Some((pair.get(0)?.as_str()?.to_owned(), fd(pair.get(1)?)?));
        Self {
            notice: told.get("notice").and_then(fd),
            watchdog: told.get("watchdog").and_then(Value::as_u64),
            sockets: told.get("sockets").and_then(Value::as_array).into_iter().flatten().filter_map(socket).collect(),
        }
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager").field("told", &self.told()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Powers};
    use std::os::unix::net::UnixDatagram;
    use std::sync::Arc;

    /// A manager that hears, and what it has heard.
    fn manager(watchdog: Option<u64>) -> (Manager, impl Fn() -> Vec<String>) {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        theirs.set_nonblocking(true).expect("set");
        let heard = move || {
            let mut bytes = [0_u8; 4096];
            let word = || theirs.recv(&mut bytes).ok().map(|n| String::from_utf8_lossy(&bytes[..n]).into_owned());
            std::iter::from_fn(word).collect()
        };
        let notice = Notice::handed(ours.into());
        (Manager::with(Some(notice), watchdog.map(Watchdog::of), Sockets::default(), |_| {}), heard)
    }

    #[test]
    fn a_status_of_several_lines_says_nothing_else() {
        let (manager, heard) = manager(None);
        manager.status("one\nREADY=1\r\0two");
        assert_eq!(heard(), ["STATUS=one READY=1  two"]);
    }

    #[test]
    fn a_status_that_is_too_long_for_systemd_is_cut_between_two_characters() {
        let (manager, heard) = manager(None);
        manager.status(&"\u{20ac}".repeat(LONGEST_STATUS));
        let told = heard();
        assert!(told[0].len() < 4096 && told[0].len() > 3900 && told[0].ends_with('\u{20ac}'), "{}", told[0].len());
    }

    #[test]
    #[cfg_attr(miri, ignore = "sockets")]
    fn neither_the_end_nor_a_sign_of_life_waits_for_a_manager_that_does_not_read() {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        ours.set_nonblocking(true).expect("set");
        while ours.send(b"full").is_ok() {}
        ours.set_nonblocking(false).expect("set");
        let notice = Some(Notice::handed(ours.into()));
        let manager = Manager::with(notice, Some(Watchdog::of(1)), Sockets::default(), |_| {});
        let (over, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            manager.beat();
            manager.stopping();
            over.send(()).expect("heard");
        });
        told.recv_timeout(Duration::from_secs(60)).expect("it waits for nobody");
        drop(theirs);
    }

    #[test]
    fn the_end_is_told_once_and_a_reload_from_its_beginning_to_its_end() {
        let (manager, heard) = manager(None);
        let reloading = manager.reloading();
        let told = heard();
        let (word, time) = told[0].split_once("\nMONOTONIC_USEC=").expect("two lines");
        assert!(word == "RELOADING=1" && time.parse::<u64>().is_ok_and(|micros| micros > 0), "{told:?}");
        drop(reloading);
        manager.stopping();
        manager.stopping();
        assert_eq!(heard(), ["READY=1", "STOPPING=1"]);
    }

    #[test]
    fn a_sign_of_life_is_given_when_it_is_due_and_by_the_workers_thread() {
        let (manager, heard) = manager(Some(3_600_000_000));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(manager.pause_of_worker(), None);
                manager.beat_of_worker();
            });
        });
        assert_eq!(heard(), Vec::<String>::new());
        manager.beat_of_worker();
        manager.beat_of_worker();
        assert_eq!(heard(), ["WATCHDOG=1"]);
        assert_eq!(manager.pause_of_worker(), Some(Duration::from_secs(1800)));
    }

    #[test]
    fn a_task_that_awaits_the_shutdown_in_another_thread_vouches_for_nobody() {
        let (manager, heard) = manager(Some(3_600_000_000));
        let powers = Powers {
            ready: Box::new(|| {}),
            tell: Box::new(|| None),
            reopen: Box::new(|| Ok(())),
            reload: Box::new(|_| Error::NotRunning),
        };
        let ctx = Context::new("x".to_owned(), None, powers, Some(Arc::new(manager)));
        let look = || {
            let mut task = std::task::Context::from_waker(std::task::Waker::noop());
            let mut shutdown = std::pin::pin!(ctx.shutdown());
            assert!(shutdown.as_mut().poll(&mut task).is_pending());
        };
        std::thread::scope(|scope| drop(scope.spawn(look).join()));
        assert_eq!(heard(), Vec::<String>::new());
        look();
        assert_eq!(heard(), ["WATCHDOG=1"]);
    }

    #[test]
    fn a_beat_counts_from_any_thread() {
        let (manager, heard) = manager(Some(3_600_000_000));
        std::thread::scope(|scope| drop(scope.spawn(|| manager.beat()).join()));
        assert_eq!(heard(), ["WATCHDOG=1"]);
    }

    #[test]
    fn nobody_who_has_no_watchdog_is_sent_signs_of_life() {
        let (manager, heard) = manager(None);
        manager.beat();
        manager.beat_of_worker();
        assert!(heard().is_empty() && manager.pause().is_none());
    }

    #[test]
    fn a_manager_that_is_gone_is_told_of_once() {
        static TOLD: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        let report = |text: &str| TOLD.lock().expect("whole").push(text.to_owned());
        let manager = Manager::with(Some(Notice::handed(ours.into())), None, Sockets::default(), report);
        drop(theirs);
        manager.ready();
        manager.stopping();
        let told = TOLD.lock().expect("whole");
        assert!(told.len() == 1 && told[0].contains("NOTIFY_SOCKET") && told[0].ends_with("refused"), "{told:?}");
    }
}
