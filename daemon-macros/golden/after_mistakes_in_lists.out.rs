::core::compile_error! {
    "a doc comment belongs above an entry of `actions`, whose help it is, or above the function: write `//` for a comment here"
}
::core::compile_error! {
    "unknown signal `SIGHPU`; did you mean `SIGHUP`?"
}
::core::compile_error! {
    "expected the name of a function, without quotes, or a closure"
}
::core::compile_error! {
    "`env` takes a list: write `env(RUST_LOG = ...)`"
}
::core::compile_error! {
    "`workdir` takes one value and no list: write `workdir = ...`"
}
fn greeter(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __greeter_worker() {}
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::core::unreachable!()
        })
        .signal("SIGUSR1", rotate)
        .before("workdir", prepare)
        .dispatch(action)
}
