use daemon_runtime::{Context, repeat_daemon};

#[repeat_daemon(ever = "5s", pidfile = "w.pid", umask = 22, umask = 0o022, name =, stop_signal = "KILL", times = -1)]
const fn w<T>(ctx: &mut Context) {
    let _ = ctx;
}

fn main() {
    let _ = w("start");
}
