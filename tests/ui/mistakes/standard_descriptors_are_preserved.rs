use daemon_runtime::{Context, daemon};

#[daemon(preserve_fds = [0, 3, 2, -1])]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
