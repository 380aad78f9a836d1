use daemon_runtime::{Context, daemon};

#[daemon(stop_signal = "INT", signals(SIGINT = "ignore"))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
