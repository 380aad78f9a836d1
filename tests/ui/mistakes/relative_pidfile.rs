use daemon_runtime::{Context, daemon};

#[daemon(pidfile = "w.pid")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
