/// Serves greetings.
fn greeter(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __greeter_worker() {
        println!("hello");
    }
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(__greeter_worker())
        })
        .name("greeter")
        .about("Serves greetings.")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .pidfile(::daemon_runtime::expand("~/greeter.pid"))
        .stop_timeout("5s")
        .dispatch(action)
}
