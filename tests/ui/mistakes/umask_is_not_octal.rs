use daemon_runtime::{Context, daemon};

#[daemon(umask = "089")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
