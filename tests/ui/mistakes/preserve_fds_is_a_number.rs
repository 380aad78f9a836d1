use daemon_runtime::{Context, daemon};

#[daemon(preserve_fds = 3)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
