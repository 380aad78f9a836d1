use daemon_runtime::{Context, daemon};

#[daemon]
async fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
