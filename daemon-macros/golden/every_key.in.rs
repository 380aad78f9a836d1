#[repeat_daemon(
    name = "busy",
    pidfile = "/run/busy.pid",
    stdin = "/dev/null",
    stdout = "$HOME/out.log",
    stderr = "~/err.log",
    workdir = "/var/lib/busy",
    umask = 0o022,
    core_dumps = true,
    detach = "auto",
    close_fds = "all",
    settle = "2s",
    ready = "auto",
    start_timeout = Duration::from_secs(20),
    stop_timeout = "1m",
    stop_signal = "SIGQUIT",
    on_start = prepare,
    on_shutdown = |reason, code| log(reason, code),
    every = "5s",
    times = 3,
    missed = "burst",
    jitter = "10ms",
    initial_delay = Some("1s"),
    on_error = "stop",
    crate = my_crate::rt,
)]
fn busy(tick: &Tick) -> ExitCode {
    work(tick)
}
