use daemon_runtime::{Context, daemon};

#[daemon(instances = 0)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
