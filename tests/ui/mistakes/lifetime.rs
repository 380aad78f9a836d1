use daemon_runtime::{Context, daemon};

#[daemon]
fn w<'a>(ctx: &'a Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
