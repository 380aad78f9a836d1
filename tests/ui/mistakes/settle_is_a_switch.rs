use daemon_runtime::{Context, daemon};

#[daemon(settle = true)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
