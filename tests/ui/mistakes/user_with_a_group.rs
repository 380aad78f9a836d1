use daemon_runtime::{Context, daemon};

#[daemon(user = "www-data:adm")]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
