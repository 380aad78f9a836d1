/// The whole program.
fn main() -> ::daemon_runtime::Outcome {
    fn __main_worker(ctx: &Context) {
        while !ctx.is_shutdown() {}
    }
    ::daemon_runtime::Daemon::new(|
            __handle: &::daemon_runtime::Context,
        | -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(__main_worker(__handle))
        })
        .name(::core::option_env!("CARGO_BIN_NAME"))
        .about("The whole program.")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .dispatch(::std::env::args_os())
}
