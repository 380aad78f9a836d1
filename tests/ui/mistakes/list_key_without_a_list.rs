use daemon_runtime::{Context, daemon};

#[daemon(before, actions =)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
