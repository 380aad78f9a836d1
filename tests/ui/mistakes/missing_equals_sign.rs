use daemon_runtime::{Context, daemon};

#[daemon(core_dumps, umask = 0o022)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
