use daemon_runtime::{Context, daemon};

#[daemon]
async fn w(ctx: &Context, number: u32) {
    let _ = (ctx, number);
}

fn main() {
    let _ = w("start");
}
