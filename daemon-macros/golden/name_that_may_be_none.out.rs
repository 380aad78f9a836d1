fn named_by_others(
    action: impl ::daemon_runtime::IntoAction,
) -> ::daemon_runtime::Outcome {
    fn __named_by_others_worker() {}
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(__named_by_others_worker())
        })
        .name("named_by_others")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .name(name())
        .dispatch(action)
}
