/// Serves greetings.
pub fn greeter(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __greeter_worker(ctx: &Context) -> Result<(), std::io::Error> {
        let socket = std::net::TcpListener::bind("127.0.0.1:7070")?;
        ctx.ready();
        serve(socket, ctx)
    }
    ::daemon_runtime::Daemon::new(|
            __handle: &::daemon_runtime::Context,
        | -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(__greeter_worker(__handle))
        })
        .name("greeter")
        .about("Serves greetings.")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .pidfile(::daemon_runtime::expand("~/greeter.pid"))
        .stop_timeout("5s")
        .stdout(log_path())
        .dispatch(action)
}
