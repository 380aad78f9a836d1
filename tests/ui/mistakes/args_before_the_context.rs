use daemon_runtime::{Context, daemon};

#[daemon]
fn w(#[args] opts: Options, ctx: &Context) {
    let _ = (opts, ctx);
}

struct Options;

fn main() {
    let _ = w("start");
}
