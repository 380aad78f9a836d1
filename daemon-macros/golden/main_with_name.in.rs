#[daemon(name = "program")]
fn main() {}
