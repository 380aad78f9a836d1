use daemon_runtime::daemon;

#[daemon]
fn w(#[args(flatten)] opts: Options) {
    let _ = opts;
}

struct Options;

fn main() {
    let _ = w("start");
}
