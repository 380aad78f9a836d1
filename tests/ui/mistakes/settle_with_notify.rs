use daemon_runtime::{Context, daemon};

#[daemon(settle = "2s", ready = "notify")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
