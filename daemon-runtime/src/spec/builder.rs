//! The builder: every key of the attributes is a method.

mod hooks;
mod surroundings;

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::setting::{CloseFds, Detach, IntoSetting, Missed, OnError, Output, Readiness, Setting, Umask};
use super::signal::Signal;
use super::stream::Stream;
use super::worker::{BodyParts, IntoBody, IntoWorker, WorkerParts};
use super::{Job, Spec, Timetable};

/// A daemon: what it does, and how it lives. The attributes expand to one chain of calls on it.
///
/// Every key of the attributes is a method of the same name. A value that cannot be is remembered, and told by every
/// action. The actions come in two faces: [`start`](Self::start), [`stop`](Self::stop), [`restart`](Self::restart),
/// [`reload`](Self::reload), [`status`](Self::status) and [`run`](Self::run) return values and print nothing;
/// [`dispatch`](Self::dispatch) reads a command line and prints.
///
/// ```no_run
/// use daemon_runtime::{Context, Daemon};
/// use std::time::Duration;
///
/// let daemon = Daemon::new(|ctx: &Context| {
///     while !ctx.wait(Duration::from_secs(1)) {
///         println!("still here");
///     }
/// })
/// .name("patient")
/// .pidfile("/run/patient.pid")
/// .stdout("/var/log/patient.log");
///
/// match daemon.start()? {
///     daemon_runtime::Start::Ready { pid } => println!("runs as {pid}"),
///     other => println!("{other:?}"),
/// }
/// # Ok::<(), daemon_runtime::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a daemon does nothing until an action is called on it"]
pub struct Daemon {
    pub(crate) spec: Spec,
}

impl Daemon {
    /// A daemon that runs `worker` once.
    ///
    /// A worker without [`Context`](crate::Context) is not waited for when a shutdown is asked for; one with it ends in
    /// its own time.
    pub fn new<Shape>(worker: impl IntoWorker<Shape>) -> Self {
        let WorkerParts { worker, flags } = worker.into_worker();
        let mut daemon = Self::of(Job::Once(worker));
        daemon.spec.flags = flags;
        daemon
    }

    /// A daemon without a worker: the program itself becomes it with [`detach`](Self::detach) or [`launch`](Self::launch),
    /// and goes on with the next line. `stop`, `status` and `reload` work as for any other.
    ///
    /// ```no_run
    /// use daemon_runtime::Daemon;
    ///
    /// let daemon = Daemon::here().pidfile("/tmp/daemon.pid").stdout("/tmp/daemon.log").detach()?;
    /// println!("Daemon started with pid {}", daemon.pid());
    /// # Ok::<(), daemon_runtime::Error>(())
    /// ```
    pub fn here() -> Self {
        Self::of(Job::Here)
    }

    /// A daemon whose worker is another program, looked for in `PATH` as the shell does; with a `/` in it, it is a path, and a
    /// relative one means the launch directory.
    ///
    /// The daemon starts it as its child, in its session, and stays beside it: so all that is promised of a daemon holds for
    /// any program. Its end is the daemon's, with its exit code, or 128 + the signal that ended it. The shutdown is passed on
    /// as `stop_signal`; SIGHUP (`reload`), SIGUSR1, SIGUSR2 and SIGWINCH are passed on if the program handles them. A
    /// program that cannot be started is a failed start.
    ///
    /// ```no_run
    /// use daemon_runtime::{Daemon, Outcome};
    ///
    /// fn main() -> Outcome {
    ///     Daemon::exec("python3", ["-m", "http.server"]).name("http").workdir("/srv/www").dispatch(std::env::args_os())
    /// }
    /// ```
    pub fn exec<A: Into<OsString>>(program: impl Into<OsString>, args: impl IntoIterator<Item = A>) -> Self {
        let args = args.into_iter().map(A::into).collect();
        let program = program.into();
        let is_path = program.as_encoded_bytes().contains(&b'/');
        // The daemon works in another directory.
        let absolute = std::path::absolute(&program).ok().filter(|_| is_path).map(OsString::from);
        Self::of(Job::Program { program: absolute.unwrap_or(program), args })
    }

    /// A daemon that runs `body` every `every`: tick n is due at start + n * `every` on the monotonic clock, however long
    /// the body takes. `every` is a [`Duration`] or a text like `"5s"`, and not zero.
    ///
    /// ```
    /// use daemon_runtime::{Daemon, Tick};
    /// let daemon = Daemon::repeat("5s", |tick: &Tick| println!("tick {}", tick.number())).times(3);
    /// ```
    pub fn repeat<Shape>(every: impl IntoSetting<Duration>, body: impl IntoBody<Shape>) -> Self {
        let BodyParts { body, flags } = body.into_body();
        let job = Job::Repeat { timetable: Timetable::default(), on_error: OnError::Continue, body };
        let mut daemon = Self::of(job).put("every", every, |spec, every| spec.timetable("every", |t| t.every = every));
        daemon.spec.flags = flags;
        if daemon.spec.job_timetable().is_some_and(|t| t.every.is_zero()) {
            daemon.spec.refuse("every", "\"0s\"", "a period must be longer than nothing");
        }
        daemon
    }

    fn of(job: Job) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let spec = Spec {
            ordinal: MADE.fetch_add(1, Ordering::Relaxed),
            job: RefCell::new(job),
            name: None,
            about: None,
            version: None,
            pidfile: None,
            stdin: None,
            stdout: None,
            stderr: None,
            output: Output::Direct,
            prefix: None,
            log_prefix: None,
            workdir: None,
            chroot: None,
            user: None,
            group: None,
            groups: None,
            env: Vec::new(),
            env_clear: false,
            umask: Umask(0o027),
            core_dumps: false,
            detach: Detach::Auto,
            close_fds: CloseFds::Inherited,
            preserve_fds: Vec::new(),
            pidfile_timeout: Duration::ZERO,
            settle: Duration::from_secs(1),
            ready: Readiness::Auto,
            start_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
            stop_signal: Signal(nix::sys::signal::Signal::SIGTERM as i32),
            signals: Vec::new(),
            on_start: None,
            on_shutdown: None,
            hooks: Vec::new(),
            actions: Vec::new(),
            instances: None,
            instance: Cell::new(None),
            flags: None,
            claim: RefCell::new(None),
            refused: Vec::new(),
            written: Vec::new(),
        };
        Self { spec }
    }

    /// The name in all messages, and of the default pidfile. Default: the program's file name.
    pub fn name(self, name: impl IntoSetting<String>) -> Self {
        self.put("name", name, |spec, name| spec.name = Some(name))
    }

    /// The text of `--help`. The attributes give the function's doc comment.
    pub fn about(self, about: impl IntoSetting<String>) -> Self {
        self.put("about", about, |spec, about| spec.about = Some(about))
    }

    /// What `--version` prints. The attributes give the version of the package.
    pub fn version(self, version: impl IntoSetting<String>) -> Self {
        self.put("version", version, |spec, version| spec.version = Some(version))
    }

    /// The pidfile. Default: `/run/NAME.pid` for root, else `$XDG_RUNTIME_DIR/NAME.pid`, else `NAME.pid` in the user's
    /// state directory. A relative path means the directory that the program was launched in.
    pub fn pidfile(self, path: impl IntoSetting<PathBuf>) -> Self {
        self.put("pidfile", path, |spec, path| spec.pidfile = Some(path))
    }

    /// The file that becomes the daemon's standard input: a path, or an open file. Default: `/dev/null`.
    pub fn stdin(self, stream: impl IntoSetting<Stream>) -> Self {
        self.put("stdin", stream, |spec, stream| spec.stdin = Some(stream))
    }

    /// The file that the daemon's standard output is appended to, and which is made with mode 0640; or an open file, pipe or
    /// socket; or `"journal"`, the journal of systemd ([`Stream::Journal`]). Default: `/dev/null`.
    pub fn stdout(self, stream: impl IntoSetting<Stream>) -> Self {
        self.put("stdout", stream, |spec, stream| spec.stdout = Some(stream))
    }

    /// The same for the daemon's standard error.
    pub fn stderr(self, stream: impl IntoSetting<Stream>) -> Self {
        self.put("stderr", stream, |spec, stream| spec.stderr = Some(stream))
    }

    /// How what is written to stdout and stderr comes to their files: `"direct"` (default) or `"relayed"`, for disks that may
    /// fill up; see [`Output`].
    pub fn output(self, output: impl IntoSetting<Output>) -> Self {
        self.put("output", output, |spec, output| spec.output = output)
    }

    /// The directory the daemon works in. Default: `/`.
    pub fn workdir(self, path: impl IntoSetting<PathBuf>) -> Self {
        self.put("workdir", path, |spec, path| spec.workdir = Some(path))
    }

    /// The file mode creation mask, as a number (`0o027`) or as octal text (`"027"`). Default: `0o027`.
    pub fn umask(self, mask: impl IntoSetting<Umask>) -> Self {
        self.put("umask", mask, |spec, mask| spec.umask = mask)
    }

    /// Whether the daemon may dump core. Default: false.
    pub fn core_dumps(self, allowed: impl IntoSetting<bool>) -> Self {
        self.put("core_dumps", allowed, |spec, allowed| spec.core_dumps = allowed)
    }

    /// Whether `start` goes to the background, and how: `"auto"` (default), `true`, `false` or `"exec"`; see [`Detach`].
    ///
    /// This is the key `detach`; [`detach()`](Self::detach) is what does it.
    pub fn detaching(self, detach: impl IntoSetting<Detach>) -> Self {
        self.put("detach", detach, |spec, detach| spec.detach = detach)
    }

    /// Which descriptors beyond the standard three are closed: `"inherited"` (default), `"all"` or `"none"`; see
    /// [`CloseFds`].
    pub fn close_fds(self, close: impl IntoSetting<CloseFds>) -> Self {
        self.put("close_fds", close, |spec, close| spec.close_fds = close)
    }

    /// With `ready = "auto"`: how long the worker must live to count as ready. Default: 1 s.
    pub fn settle(self, settle: impl IntoSetting<Duration>) -> Self {
        self.put("settle", settle, |spec, settle| spec.settle = settle)
    }

    /// When the daemon counts as ready: `"auto"` (default) or `"notify"`; see [`Readiness`].
    pub fn ready(self, ready: impl IntoSetting<Readiness>) -> Self {
        self.put("ready", ready, |spec, ready| spec.ready = ready)
    }

    /// How long a `start` that finds the daemon running waits for it to end, before it says so. Default: not at all.
    pub fn pidfile_timeout(self, timeout: impl IntoSetting<Duration>) -> Self {
        self.put("pidfile_timeout", timeout, |spec, timeout| spec.pidfile_timeout = timeout)
    }

    /// How long a start may take until the daemon is ready. Default: 30 s.
    pub fn start_timeout(self, timeout: impl IntoSetting<Duration>) -> Self {
        self.put("start_timeout", timeout, |spec, timeout| spec.start_timeout = timeout)
    }

    /// How long `stop` waits for the daemon to end. Default: 10 s.
    pub fn stop_timeout(self, timeout: impl IntoSetting<Duration>) -> Self {
        self.put("stop_timeout", timeout, |spec, timeout| spec.stop_timeout = timeout)
    }

    /// The signal that `stop` sends, by name as in signal(7). Default: `SIGTERM`.
    ///
    /// SIGTERM, SIGINT and SIGQUIT always ask for a shutdown in order; this signal then does so too.
    pub fn stop_signal(self, signal: impl IntoSetting<Signal>) -> Self {
        self.put("stop_signal", signal, |spec, signal| spec.stop_signal = signal)
    }

    /// Of a repeating daemon: after how many ticks it ends; 0 (default) means never.
    pub fn times(self, times: impl IntoSetting<u64>) -> Self {
        self.put("times", times, |spec, times| spec.timetable("times", |t| t.times = times))
    }

    /// Of a repeating daemon: what becomes of ticks that came due while the body ran: `"skip"` (default), `"burst"` or
    /// `"delay"`; see [`Missed`].
    pub fn missed(self, missed: impl IntoSetting<Missed>) -> Self {
        self.put("missed", missed, |spec, missed| spec.timetable("missed", |t| t.missed = missed))
    }

    /// Of a repeating daemon: each tick is put off by a random time up to this, without any drift. Default: none.
    pub fn jitter(self, jitter: impl IntoSetting<Duration>) -> Self {
        self.put("jitter", jitter, |spec, jitter| spec.timetable("jitter", |t| t.jitter = jitter))
    }

    /// Of a repeating daemon: how long after the start the first tick is due. Default: none.
    pub fn initial_delay(self, delay: impl IntoSetting<Duration>) -> Self {
        self.put("initial_delay", delay, |spec, delay| spec.timetable("initial_delay", |t| t.initial_delay = delay))
    }

    /// Of a repeating daemon: whether a tick that fails or panics ends it: `"continue"` (default) or `"stop"`; see
    /// [`OnError`].
    pub fn on_error(self, choice: impl IntoSetting<OnError>) -> Self {
        self.put("on_error", choice, |spec, choice| match spec.job.get_mut() {
            Job::Repeat { on_error, .. } => *on_error = choice,
            _ => spec.refuse_repeat_key("on_error"),
        })
    }

    pub(super) fn put<T>(
        mut self,
        key: &'static str,
        value: impl IntoSetting<T>,
        store: impl FnOnce(&mut Spec, T),
    ) -> Self {
        // The manual page is not of the account that has it made, and a unit says what the path was made of.
        if let Some(text) = value.as_written() {
            self.spec.written.retain(|(known, _)| *known != key);
            self.spec.written.push((key, text));
        }
        match value.into_setting() {
            Setting::Unset => {}
            Setting::Value(value) => store(&mut self.spec, value),
            Setting::Refused { value, reason } => self.spec.refuse(key, &value, &reason),
        }
        self
    }
}
