use daemon_runtime::{Context, daemon};

#[daemon(start_timeout = "0s")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
