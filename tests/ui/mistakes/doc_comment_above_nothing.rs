use daemon_runtime::{Context, daemon};

#[daemon(actions(
    flush = prepare,
    /// And no more.
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
