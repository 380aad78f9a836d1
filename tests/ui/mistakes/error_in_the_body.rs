use daemon_runtime::{Context, daemon};

#[daemon(pidfile = "/run/w.pid")]
fn w(ctx: &Context) {
    ctx.ready();
    let _: u32 = "text";
}

fn main() {
    let _ = w("start");
}
