use daemon_runtime::{Context, daemon};

#[daemon(actions(restart = prepare, help = prepare))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn prepare() {
    println!("preparing");
}

fn main() {
    let _ = w("start");
}
