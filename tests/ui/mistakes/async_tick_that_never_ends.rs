use daemon_runtime::repeat_daemon;

#[repeat_daemon(every = "5s")]
async fn w() -> ! {
    std::future::pending().await
}

fn main() {
    let _ = w("start");
}
