#[daemon(crate = my::rt, workdir = "~")]
fn greeter(ctx: &my::rt::Context) {}
