fn dmn_example(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __dmn_example_worker(tick: &Tick) -> Result<(), Error> {
        report(tick.number())
    }
    ::daemon_runtime::Daemon::repeat(
            PERIOD,
            |__handle: &::daemon_runtime::Tick| -> ::daemon_runtime::Ending {
                ::daemon_runtime::__ending!(__dmn_example_worker(__handle))
            },
        )
        .name("dmn_example")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .dispatch(action)
}
