use daemon_runtime::{Context, daemon};

#[daemon(signals(SIGHUP = reload))]
fn w(ctx: &Context) {
    ctx.ready();
}

fn reload(signal: i32) {
    println!("{signal}");
}

fn main() {
    let _ = w("start");
}
