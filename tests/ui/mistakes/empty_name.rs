use daemon_runtime::{Context, daemon};

#[daemon(name = "")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
