use daemon_runtime::{Context, daemon};

#[daemon(close_fds = "inherit")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
