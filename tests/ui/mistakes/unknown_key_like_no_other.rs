use daemon_runtime::{Context, daemon};

#[daemon(colour = "red")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
