use daemon_runtime::{Context, daemon};

#[daemon(before(umask = "prepare"))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
