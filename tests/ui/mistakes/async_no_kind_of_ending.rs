use daemon_runtime::daemon;

#[daemon]
async fn w() -> u32 {
    7
}

fn main() {
    let _ = w("start");
}
