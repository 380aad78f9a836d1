use daemon_runtime::{daemon, repeat_daemon};

#[daemon]
#[repeat_daemon(every = "5s")]
fn w() {
    println!("working");
}

fn main() {
    let _ = w("start");
}
