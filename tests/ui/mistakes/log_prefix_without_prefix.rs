use daemon_runtime::{Context, daemon};

#[daemon(log_prefix = "w-")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
