use daemon_runtime::{Context, daemon};

#[daemon(signals = prepare, env = "PORT=7070")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn prepare() {
    println!("preparing");
}

fn main() {
    let _ = w("start");
}
