use daemon_runtime::{Context, daemon};

#[daemon(env(RUST_LOG = "info", PORT = 7070))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
