use daemon_runtime::daemon;

#[daemon]
const fn w() {
    let _ = 1;
}

fn main() {
    let _ = w("start");
}
