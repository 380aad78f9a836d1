use daemon_runtime::{Context, daemon};

#[daemon(core_dumps = "true")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
