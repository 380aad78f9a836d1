use daemon_runtime::{Context, daemon};

#[daemon(pidfile = "/run/")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
