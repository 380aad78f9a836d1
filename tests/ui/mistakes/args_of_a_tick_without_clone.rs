use daemon_runtime::repeat_daemon;

#[repeat_daemon(every = "5s")]
fn w(#[args] opts: Options) {
    let _ = opts;
}

#[derive(clap::Args)]
struct Options {}

fn main() {
    let _ = w("start");
}
