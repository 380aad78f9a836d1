//! Every key, with every kind of value.
#![deny(warnings)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon_runtime::{Context, Outcome, daemon, repeat_daemon};

const PERIOD: Duration = Duration::from_secs(5);

#[repeat_daemon(
    name = "written-out",
    pidfile = "~/written-out-{n}.pid",
    pidfile_timeout = "2s",
    stdin = "/dev/null",
    stdout = "$HOME/out.log",
    stderr = "${HOME}/err.log",
    output = "relayed",
    prefix = "/opt",
    log_prefix = "blue-",
    workdir = "~",
    chroot = "$HOME/root",
    user = "www-data",
    group = 33,
    groups = ["adm", "audio"],
    umask = 0o022,
    core_dumps = true,
    detach = "auto",
    close_fds = "none",
    preserve_fds = [3, 4],
    settle = "100ms",
    ready = "auto",
    start_timeout = "1m 30s",
    stop_timeout = "0s",
    stop_signal = "SIGQUIT",
    on_start = prepare,
    on_shutdown = report,
    instances = 4,
    env_clear = true,
    every = "1us",
    times = 3,
    missed = "burst",
    jitter = "1us",
    initial_delay = "1h",
    on_error = "stop",
    crate = ::daemon_runtime
)]
fn written_out() {}

#[repeat_daemon(
    name = name(),
    pidfile = pidfile(),
    stdin = Path::new("/dev/null"),
    stdout = format!("/tmp/{}.log", name()),
    pidfile_timeout = PERIOD,
    prefix = Path::new("/srv"),
    log_prefix = format!("{}-", name()),
    workdir = std::env::temp_dir(),
    chroot = std::env::temp_dir(),
    user = 33_u32,
    group = name(),
    groups = vec![name(), name()],
    umask = if cfg!(debug_assertions) { 0o022 } else { 0o077 },
    core_dumps = cfg!(debug_assertions),
    detach = !cfg!(debug_assertions),
    preserve_fds = Vec::from([3, 4]),
    settle = Duration::from_millis(100),
    start_timeout = 2 * PERIOD,
    stop_timeout = PERIOD,
    on_start = || println!("starting"),
    on_shutdown = |reason, code| println!("{reason} {code}"),
    instances = u32::from(true),
    env_clear = cfg!(debug_assertions),
    every = PERIOD,
    times = u64::from(true),
    jitter = PERIOD / 2,
    initial_delay = PERIOD,
)]
fn computed() {}

#[repeat_daemon(
    name = None::<String>,
    pidfile = Some("/run/optional.pid"),
    stdin = None::<PathBuf>,
    stdout = option("/tmp/out.log"),
    stderr = option("/tmp/err.log"),
    output = Some("direct"),
    pidfile_timeout = Some("2s"),
    prefix = option("/opt"),
    log_prefix = Some("blue-"),
    workdir = option("/"),
    chroot = None::<PathBuf>,
    user = Some("www-data"),
    group = Some(33),
    groups = Some(["adm"]),
    umask = Some("027"),
    core_dumps = Some(true),
    detach = Some(false),
    close_fds = Some("all"),
    preserve_fds = None::<Vec<i32>>,
    settle = Some("2s"),
    ready = Some("auto"),
    start_timeout = Some(PERIOD),
    stop_timeout = None::<Duration>,
    stop_signal = Some("TERM"),
    instances = Some(2),
    env_clear = Some(false),
    every = "5s",
    times = Some(3),
    missed = Some("skip"),
    jitter = Some("1s"),
    initial_delay = None::<&str>,
    on_error = Some("continue"),
)]
fn optional() {}

#[daemon(
    name = None,
    pidfile = None,
    stdout = None,
    umask = None,
    user = None,
    groups = None,
    preserve_fds = None,
    instances = None,
    on_start = None,
    on_shutdown = None
)]
fn left_out() {}

#[daemon(groups = [], preserve_fds = [], detach = "exec")]
fn empty() {}

#[daemon(ready = "notify", stop_signal = "USR1", umask = "0o027")]
fn notifying(ctx: &Context) {
    ctx.ready();
}

fn name() -> String {
    "computed".to_owned()
}

fn pidfile() -> PathBuf {
    PathBuf::from("/run/computed.pid")
}

fn option(path: &str) -> Option<PathBuf> {
    Some(PathBuf::from(path))
}

fn prepare() -> Result<(), String> {
    Ok(())
}

fn report(reason: &str, code: i32) {
    println!("{reason} {code}");
}

fn main() {
    let _: [fn(&'static str) -> Outcome; 6] = [written_out, computed, optional, left_out, empty, notifying];
}
