use daemon_runtime::daemon;

#[daemon(ready = "notify")]
fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
