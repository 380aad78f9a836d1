use daemon_runtime::daemon;

#[daemon]
fn w() -> u32 {
    7
}

fn main() {
    let _ = w("start");
}
