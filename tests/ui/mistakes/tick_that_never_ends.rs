use daemon_runtime::repeat_daemon;

#[repeat_daemon(every = "5s")]
fn w() -> ! {
    loop {}
}

fn main() {
    let _ = w("start");
}
