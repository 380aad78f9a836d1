use daemon_runtime::{Context, daemon};

#[daemon(prefix = "opt")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
