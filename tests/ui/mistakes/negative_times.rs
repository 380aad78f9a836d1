use daemon_runtime::repeat_daemon;

#[repeat_daemon(every = "5s", times = -1)]
fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
