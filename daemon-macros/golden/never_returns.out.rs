fn forever(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __forever_worker() -> ! {
        loop {
            std::thread::park();
        }
    }
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending { __forever_worker() })
        .name("forever")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .dispatch(action)
}
