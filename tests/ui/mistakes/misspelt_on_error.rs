use daemon_runtime::repeat_daemon;

#[repeat_daemon(every = "5s", on_error = "contineu")]
fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
