use daemon_runtime::{Context, daemon};

#[daemon(stop_signal = "SIGKILL")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
