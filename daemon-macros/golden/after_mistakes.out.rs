::core::compile_error! {
    "unknown key `pidfle`; did you mean `pidfile`? The keys are: `name`, `pidfile`, `pidfile_timeout`, `stdin`, `stdout`, `stderr`, `output`, `prefix`, `log_prefix`, `workdir`, `chroot`, `user`, `group`, `groups`, `umask`, `core_dumps`, `detach`, `close_fds`, `preserve_fds`, `settle`, `ready`, `start_timeout`, `stop_timeout`, `stop_signal`, `signals`, `on_start`, `on_shutdown`, `before`, `after`, `actions`, `instances`, `env`, `env_clear`, `crate`"
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
