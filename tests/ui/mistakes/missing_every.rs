use daemon_runtime::repeat_daemon;

#[repeat_daemon]
fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
