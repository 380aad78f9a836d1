use daemon_runtime::{Context, daemon};

#[daemon(stdout = "")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
