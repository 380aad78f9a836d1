fn dmn_example(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __dmn_example_worker() {
        println!("testing daemon ...");
    }
    ::daemon_runtime::Daemon::repeat(
            "5s",
            || -> ::daemon_runtime::Ending {
                ::daemon_runtime::__ending!(__dmn_example_worker())
            },
        )
        .name("dmn_example")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .times(0)
        .dispatch(action)
}
