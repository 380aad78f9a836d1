fn main() -> ::daemon_runtime::Outcome {
    fn __main_worker() {}
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(__main_worker())
        })
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .name("program")
        .dispatch(::std::env::args_os())
}
