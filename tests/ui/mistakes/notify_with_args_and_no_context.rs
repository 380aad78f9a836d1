use daemon_runtime::daemon;

#[daemon(ready = "notify")]
fn w(#[args] opts: Options) {
    let _ = opts;
}

struct Options;

fn main() {
    let _ = w("start");
}
