use daemon_runtime::{Context, daemon};

#[daemon(name = , umask = 0o022)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
