use daemon_runtime::{Context, daemon};

#[daemon(umask = 22)]
fn main(ctx: &Context) {
    ctx.ready();
}
