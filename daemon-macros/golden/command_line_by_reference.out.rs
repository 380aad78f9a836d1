fn greeter(action: impl my::rt::IntoAction) -> my::rt::Outcome {
    fn __greeter_worker(
        #[allow(unused_variables, reason = "kept")]
        opts: &cli::Options,
    ) {}
    my::rt::Daemon::repeat(
            "5s",
            |__args: my::rt::Args<cli::Options>| -> my::rt::Ending {
                my::rt::__ending!(__greeter_worker(& __args.0))
            },
        )
        .name("greeter")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .dispatch(action)
}
