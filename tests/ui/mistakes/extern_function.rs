use daemon_runtime::daemon;

#[daemon]
extern "C" fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
