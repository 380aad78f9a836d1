use daemon_runtime::{Context, daemon};

#[daemon(detach = false, before(detach = prepare), after(umask = prepare, streams = prepare))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn prepare() {
    println!("preparing");
}

fn main() {
    let _ = w("start");
}
