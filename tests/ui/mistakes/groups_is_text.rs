use daemon_runtime::{Context, daemon};

#[daemon(groups = "adm")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
