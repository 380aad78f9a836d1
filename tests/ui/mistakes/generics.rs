use daemon_runtime::{Context, daemon};

#[daemon]
fn w<T: Default>(ctx: &Context) {
    let _ = (ctx, T::default());
}

fn main() {
    let _ = w("start");
}
