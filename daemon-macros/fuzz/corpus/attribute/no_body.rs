#[daemon()]
fn w();
