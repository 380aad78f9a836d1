/// The whole program.
#[daemon]
fn main(ctx: &Context) {
    while !ctx.is_shutdown() {}
}
