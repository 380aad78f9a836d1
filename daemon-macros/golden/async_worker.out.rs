fn greeter(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    async fn __greeter_worker(ctx: &Context, opts: &Options) -> Result<(), Error> {
        ctx.shutdown().await;
        Ok(())
    }
    ::daemon_runtime::Daemon::new(|
            __handle: &::daemon_runtime::Context,
            __args: ::daemon_runtime::Args<Options>,
        | -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(
                ::daemon_runtime::__block_on!(__greeter_worker(__handle, & __args.0))
            )
        })
        .name("greeter")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .dispatch(action)
}
