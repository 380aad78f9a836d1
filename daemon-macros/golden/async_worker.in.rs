#[daemon]
async fn greeter(ctx: &Context, #[args] opts: &Options) -> Result<(), Error> {
    ctx.shutdown().await;
    Ok(())
}
