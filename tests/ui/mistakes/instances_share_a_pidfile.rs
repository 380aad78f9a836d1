use daemon_runtime::{Context, daemon};

#[daemon(instances = 4, pidfile = "/run/w.pid")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
