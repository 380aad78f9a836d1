//! The attributes of `daemon-runtime`. That crate re-exports them, together with all that their
//! code needs: depend on it, and not on this one.
//!
//! Both attributes go the same way: tokens to raw arguments (`attribute`) and a function (`item`),
//! these to a daemon that is known to be right (`model`), and that to one call on the builder
//! (`expand`). `transform` is that way.

mod attribute;
mod doc;
mod expand;
#[cfg(test)]
mod golden;
mod item;
mod mistakes;
mod model;
mod transform;

use attribute::Kind;
use transform::transform;

/// Turns a function into a daemon: in its place comes a dispatcher of the same name, which takes an
/// action or a whole command line, and which runs the function as the daemon's worker.
///
/// ```ignore
/// use daemon_runtime::{Context, daemon};
///
/// /// Serves greetings.
/// #[daemon(pidfile = "~/greeter.pid", stdout = "~/greeter.log")]
/// fn greeter(ctx: &Context) -> Result<(), std::io::Error> {
///     let socket = std::net::TcpListener::bind("127.0.0.1:7070")?;
///     ctx.ready();
///     serve(&socket, ctx)
/// }
///
/// fn main() -> daemon_runtime::Outcome {
///     greeter(std::env::args_os())
/// }
/// ```
///
/// The worker is `fn()` or `fn(&Context)`, and returns `()`, `!`, a `Result` whose error has
/// `Display`, an `ExitCode`, or anything else with `Termination`. Its doc comment is the text of
/// `--help`. On `fn main` the attribute makes the whole program: `main` reads its own command line.
///
/// A last parameter `#[args] opts: T`, or `#[args] opts: &T`, takes flags of the command line: `T`
/// has `clap::Args`, and its flags are those of `start`, `restart` and `run`. This takes the feature
/// `cli`, which is on by default. With the feature `tokio` the worker may be an `async fn`, whose runtime is built after the last fork.
///
/// # Keys
///
/// Every value is an expression, and is checked when the crate compiles if it is written out.
/// Durations are strings such as `"5s"` and `"1h 30m"`, or a `Duration`. Paths that are written out
/// begin with `/`, with `~/` or with a `$VARIABLE`, which are replaced when the program runs. Keys
/// with a default also take an `Option`, of which `None` stands for the default.
///
/// Lists are written `KEY(NAME = value, NAME = value)`, each name once; an entry that is `None` is left
/// out.
///
/// ```ignore
/// #[daemon(
///     user = "www-data",
///     signals(SIGHUP = read_configuration, SIGUSR1 = "ignore"),
///     before(privileges = bind_port_80),
///     actions(
///         /// Empties the cache.
///         flush_cache = cache::flush,
///     ),
///     env(RUST_LOG = "info"),
/// )]
/// # fn greeter() {}
/// ```
///
#[doc = include_str!("../doc/keys.md")]
#[proc_macro_attribute]
pub fn daemon(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    transform(Kind::Daemon, attribute.into(), item.into()).into()
}

/// Turns a function into a daemon that calls it again and again: [`daemon`](macro@daemon) with a
/// schedule.
///
/// ```ignore
/// use daemon_runtime::repeat_daemon;
///
/// #[repeat_daemon(every = "5s", pidfile = "~/example.pid", stdout = "~/example.log")]
/// fn example() {
///     println!("testing daemon ...");
/// }
/// ```
///
/// The worker is `fn()`, `fn(&Context)` or `fn(&Tick)`, each also `async` and with `#[args]`, and must
/// end.
///
/// # Keys
///
#[doc = include_str!("../doc/keys_of_repeat.md")]
///
/// And those of [`daemon`](macro@daemon):
///
#[doc = include_str!("../doc/keys.md")]
#[proc_macro_attribute]
pub fn repeat_daemon(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    transform(Kind::RepeatDaemon, attribute.into(), item.into()).into()
}
