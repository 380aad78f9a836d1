use daemon_runtime::{Context, daemon};

#[daemon(pidfile_timeout = "2")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
