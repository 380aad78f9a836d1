use daemon_runtime::repeat_daemon;

#[repeat_daemon(every = "soon")]
fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
