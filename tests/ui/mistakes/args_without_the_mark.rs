use daemon_runtime::{Context, daemon};

#[daemon]
fn w(ctx: &Context, opts: Options) {
    let _ = (ctx, opts);
}

struct Options;

fn main() {
    let _ = w("start");
}
