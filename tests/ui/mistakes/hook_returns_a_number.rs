use daemon_runtime::{Context, daemon};

#[daemon(after(umask = prepare))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn prepare() -> u32 {
    7
}

fn main() {
    let _ = w("start");
}
