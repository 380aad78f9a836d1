use daemon_runtime::{Context, daemon};

#[daemon]
fn w(#[args] ctx: &Context) {
    let _ = ctx;
}

fn main() {
    let _ = w("start");
}
