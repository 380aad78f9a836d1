::core::compile_error! {
    "missing key `every`: say how often to run, as in `#[repeat_daemon(every = \"5s\")]`"
}
::core::compile_error! {
    "an `async` worker needs the feature `tokio`, which this version does not have: write a plain `fn` and start the async runtime inside of it, after the last fork"
}
fn main() -> ::daemon_runtime::Outcome {
    async fn __main_worker() {}
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::core::unreachable!()
        })
        .dispatch(::std::env::args_os())
}
