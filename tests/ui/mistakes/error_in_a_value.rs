use daemon_runtime::{Context, daemon};
use std::time::Duration;

#[daemon(umask = 22, settle = Duration::from_secs({ let seconds: u64 = "2"; seconds }))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
