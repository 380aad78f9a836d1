#[cfg(unix)]
#[allow(dead_code, reason = "kept")]
pub(crate) fn r#loop(
    action: impl ::daemon_runtime::IntoAction,
) -> ::daemon_runtime::Outcome {
    fn __loop_worker() {}
    ::daemon_runtime::Daemon::new(|| -> ::daemon_runtime::Ending {
            ::daemon_runtime::__ending!(__loop_worker())
        })
        .name("loop")
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .detaching(false)
        .dispatch(action)
}
