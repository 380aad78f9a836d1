use daemon_runtime::{Context, daemon};

#[daemon(umask = 0o1777)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
