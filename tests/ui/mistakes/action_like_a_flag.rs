use daemon_runtime::{Context, daemon};

#[daemon(actions(_flush = prepare))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn prepare() {
    println!("preparing");
}

fn main() {
    let _ = w("start");
}
