use daemon_runtime::{Context, daemon};

#[daemon(pidfle = "/run/w.pid")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
