use daemon_runtime::{Context, daemon};

#[daemon(env("PORT" = "7070", = "7071", HOME = "/srv"))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
