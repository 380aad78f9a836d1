use daemon_runtime::{Context, daemon};

#[daemon(on_start = "prepare")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
