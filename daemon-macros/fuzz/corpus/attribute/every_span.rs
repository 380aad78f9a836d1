#[repeat_daemon(every = "0s", times = -1, missed = "never", jitter = 5, every = "1s", umask = 22, chroot = "x", detach = "maybe", stop_signal = "SIGKILL", preserve_fds = [0, "x"], groups = ["", 7])]
async fn w(tick: &Tick, #[args] opts: T, x: u8) -> Result<(), E> {}
