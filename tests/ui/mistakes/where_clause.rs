use daemon_runtime::{Context, daemon};

#[daemon]
fn w(ctx: &Context)
where
    String: Clone,
{
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
