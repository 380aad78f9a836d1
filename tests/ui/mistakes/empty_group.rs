use daemon_runtime::{Context, daemon};

#[daemon(group = "")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
