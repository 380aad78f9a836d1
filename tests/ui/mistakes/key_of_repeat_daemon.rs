use daemon_runtime::{Context, daemon};

#[daemon(every = "5s")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
