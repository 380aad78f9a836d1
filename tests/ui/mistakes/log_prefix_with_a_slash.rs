use daemon_runtime::{Context, daemon};

#[daemon(prefix = "/opt", log_prefix = "logs/w-")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
