use daemon_runtime::daemon;

#[daemon]
fn w(text: &String) {
    println!("{text}");
}

fn main() {
    let _ = w("start");
}
