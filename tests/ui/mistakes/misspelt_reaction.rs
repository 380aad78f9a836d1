use daemon_runtime::{Context, daemon};

#[daemon(signals(SIGUSR1 = "ingore"))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
