use daemon_runtime::{Context, daemon};

#[daemon(user = -1)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
