use daemon_runtime::{Context, daemon};

#[daemon]
fn w(ctx: &mut Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
