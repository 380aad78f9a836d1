use daemon_runtime::{Context, daemon};

#[daemon(detach = "daemon")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
