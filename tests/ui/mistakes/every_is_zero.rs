use daemon_runtime::repeat_daemon;

#[repeat_daemon(every = "0s")]
fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
