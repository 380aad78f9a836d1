use daemon_runtime::{Context, daemon};

#[daemon(crate = "daemon_runtime")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
