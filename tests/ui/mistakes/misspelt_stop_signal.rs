use daemon_runtime::{Context, daemon};

#[daemon(stop_signal = "SIGTREM")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
