use daemon_runtime::{Tick, daemon};

#[daemon]
fn w(tick: &Tick) {
    let _ = tick.number();
}

fn main() {
    let _ = w("start");
}
