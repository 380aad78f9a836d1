use daemon_runtime::{Context, daemon};

#[daemon(env_clear = "yes")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
