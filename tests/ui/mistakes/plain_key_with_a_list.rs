use daemon_runtime::{Context, daemon};

#[daemon(chroot("/srv"), name(greeter), umask = 22)]
fn w(ctx: &Context) {
    ctx.ready();
}

fn main() {
    let _ = w("start");
}
