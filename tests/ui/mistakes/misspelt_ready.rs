use daemon_runtime::{Context, daemon};

#[daemon(ready = "notfy")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
