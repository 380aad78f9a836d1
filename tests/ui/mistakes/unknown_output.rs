use daemon_runtime::{Context, daemon};

#[daemon(output = "relay")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
