use daemon_runtime::daemon;

#[daemon]
unsafe fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
