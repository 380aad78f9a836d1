use daemon_runtime::daemon;

#[daemon]
fn w(#[args] opts: impl Copy) {
    let _ = opts;
}

fn main() {
    let _ = w("start");
}
