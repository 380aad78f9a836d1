use daemon_runtime::{Context, daemon};
use std::time::Duration;

#[daemon(settle = Duration::from_secs(2), umask = 22)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
