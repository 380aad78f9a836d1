use daemon_runtime::{Context, daemon};

#[daemon(detach = false, stdout = "/tmp/out", stderr = "/tmp/err")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
