fn forever(action: impl my::rt::IntoAction) -> my::rt::Outcome {
    async fn __forever_worker() -> ! {
        std::future::pending().await
    }
    my::rt::Daemon::new(|| -> my::rt::Ending { my::rt::__block_on!(__forever_worker()) })
        .name("forever")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .dispatch(action)
}
