#[daemon]
fn w() {}
