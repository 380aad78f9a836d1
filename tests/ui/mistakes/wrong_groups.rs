use daemon_runtime::{Context, daemon};

#[daemon(groups = ["adm", "", "audio:video", group()])]
fn w(ctx: &Context) {
    ctx.ready();
}

fn group() -> &'static str {
    "adm"
}

fn main() {
    let _ = w("start");
}
