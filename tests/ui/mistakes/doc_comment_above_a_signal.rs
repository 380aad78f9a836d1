use daemon_runtime::{Context, daemon};

#[daemon(signals(
    /// Reads its settings again.
    SIGHUP = prepare
))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn prepare() {
    println!("preparing");
}

fn main() {
    let _ = w("start");
}
