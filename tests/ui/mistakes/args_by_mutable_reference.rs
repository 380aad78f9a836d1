use daemon_runtime::daemon;

#[daemon]
fn w(#[args] opts: &mut Options) {
    let _ = opts;
}

struct Options;

fn main() {
    let _ = w("start");
}
