use daemon_runtime::{Context, daemon};

#[daemon(before(umask = prepare))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn prepare(stage: &str) {
    println!("{stage}");
}

fn main() {
    let _ = w("start");
}
