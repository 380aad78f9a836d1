use daemon_runtime::{Context, daemon};

#[daemon(
    /// Where it works.
    workdir = "/srv",
)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
