/// Serves greetings.
///
///   - to everybody
#[doc = include_str!("more.md")]
#[doc(alias = "hello")]
/// and for ever.
fn greeter(action: impl ::daemon_runtime::IntoAction) -> ::daemon_runtime::Outcome {
    fn __greeter_worker() {}
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(__greeter_worker())
        })
        .name("greeter")
        .about("Serves greetings.\n\n  - to everybody\nand for ever.")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .dispatch(action)
}
