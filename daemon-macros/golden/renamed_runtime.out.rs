fn greeter(action: impl my::rt::IntoAction) -> my::rt::Outcome {
    fn __greeter_worker(ctx: &my::rt::Context) {}
    my::rt::Daemon::new(|__handle: &my::rt::Context| -> my::rt::Ending {
            my::rt::__ending!(__greeter_worker(__handle))
        })
        .name("greeter")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .workdir(my::rt::expand("~"))
        .dispatch(action)
}
