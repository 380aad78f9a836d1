use daemon_runtime::{Context, daemon};

#[daemon(before(umask = prepare workdir = prepare))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn prepare() {
    println!("preparing");
}

fn main() {
    let _ = w("start");
}
