use daemon_runtime::{Context, daemon};

#[daemon(actions(flush = "prepare"))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
