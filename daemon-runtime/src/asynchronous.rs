//! Async workers: a runtime that is built when it is first needed, which is after the last fork.

use std::future::Future;
#[cfg(feature = "tokio")]
use std::sync::OnceLock;

/// Runs a future to its end on tokio's multi-threaded runtime, with all that tokio was compiled with enabled. The runtime is
/// built at the first call, and serves all that follow: tasks that a tick has spawned go on between the ticks.
///
/// The attributes use it for an `async fn`; a builder's worker calls it itself. To be called from a worker, after the last
/// fork: a launcher with the runtime's threads could not fork any more.
///
/// ```no_run
/// use daemon_runtime::{Context, Daemon, block_on};
///
/// let daemon = Daemon::new(|ctx: &Context| block_on(async {
///     ctx.ready();
///     ctx.shutdown().await;
/// }));
/// ```
///
/// # Panics
/// If the system has no resources for the runtime, or if it is called from within an async task.
#[cfg(feature = "tokio")]
pub fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let build = || match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => panic!("the async runtime cannot be built: {e}"),
    };
    RUNTIME.get_or_init(build).block_on(future)
}

/// What the attributes wrap the call of an `async fn` in.
#[cfg(feature = "tokio")]
#[doc(hidden)]
#[macro_export]
macro_rules! __block_on {
    ($future:expr) => {
        $crate::block_on($future)
    };
}

/// What the attributes wrap the call of an `async fn` in.
#[cfg(not(feature = "tokio"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __block_on {
    ($future:expr) => {{
        ::core::compile_error!(
            "an `async` worker needs the feature `tokio` of the crate daemon-runtime: \
             write `daemon-runtime = { version = \"...\", features = [\"tokio\"] }` in Cargo.toml"
        );
        $crate::__private::never_built($future)
    }};
}

/// So that nothing but the missing feature is told.
#[cfg(not(feature = "tokio"))]
#[doc(hidden)]
pub fn never_built<F: Future>(_: F) -> F::Output {
    unreachable!("the feature `tokio` is missing")
}
