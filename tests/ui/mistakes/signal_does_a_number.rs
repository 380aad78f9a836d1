use daemon_runtime::{Context, daemon};

#[daemon(signals(SIGUSR1 = 9))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
