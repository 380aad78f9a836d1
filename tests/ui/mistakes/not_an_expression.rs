use daemon_runtime::{Context, daemon};

#[daemon(name = struct, umask = 0o022)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
