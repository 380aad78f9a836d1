use daemon_runtime::{Context, daemon};

#[daemon(detach = "exec")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
