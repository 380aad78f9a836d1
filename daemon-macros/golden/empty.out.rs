fn greeter(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __greeter_worker() {}
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(__greeter_worker())
        })
        .name("greeter")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .groups([0_i32; 0])
        .preserve_fds([0_i32; 0])
        .dispatch(action)
}
