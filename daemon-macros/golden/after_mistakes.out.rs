::core::compile_error! {
    "unknown key `pidfle`; did you mean `pidfile`? The keys are: `name`, `pidfile`, `stdin`, `stdout`, `stderr`, `workdir`, `umask`, `core_dumps`, `detach`, `close_fds`, `settle`, `ready`, `start_timeout`, `stop_timeout`, `stop_signal`, `on_start`, `on_shutdown`, `crate`"
}
::core::compile_error! {
    "a umask is octal, but this number is decimal: write `0o022`"
}
/// Serves greetings.
pub fn greeter(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __greeter_worker(ctx: &Context) -> Result<(), std::io::Error> {
        serve(ctx)
    }
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::core::unreachable!()
        })
        .settle(Duration::from_secs(2))
        .dispatch(action)
}
