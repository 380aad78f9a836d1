use daemon_runtime::{Context, daemon};

#[daemon(name = "a/b")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
