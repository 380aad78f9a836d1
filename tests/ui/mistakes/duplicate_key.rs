use daemon_runtime::{Context, daemon};

#[daemon(pidfile = "/run/a.pid", umask = 0o022, pidfile = "/run/b.pid")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
