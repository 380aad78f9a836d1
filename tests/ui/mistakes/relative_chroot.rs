use daemon_runtime::{Context, daemon};

#[daemon(chroot = "srv")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
