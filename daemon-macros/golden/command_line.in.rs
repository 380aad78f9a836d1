#[daemon]
fn greeter(ctx: &Context, #[args] opts: Options) -> Result<(), Error> {
    serve(ctx, opts.port)
}
