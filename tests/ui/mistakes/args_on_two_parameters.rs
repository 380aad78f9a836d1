use daemon_runtime::daemon;

#[daemon]
fn w(#[args] opts: Options, #[args] more: Options) {
    let _ = (opts, more);
}

struct Options;

fn main() {
    let _ = w("start");
}
