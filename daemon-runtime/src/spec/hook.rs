//! The functions that a daemon is given besides its worker.

use std::fmt::{self, Display};
use std::sync::Arc;

/// A function that is called at the end of the daemon, with the reason and the exit code.
pub(crate) type OnShutdown = Arc<dyn Fn(&str, i32) + Send + Sync>;

/// A function that is called on the way to the daemon, or as an action of its own, and may refuse.
pub(crate) type Hook = Box<dyn Fn() -> Result<(), String>>;

/// Whether a hook runs before its stage or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Before.
    Before,
    /// After.
    After,
}

impl Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

/// A function for `on_start`, `before`, `after` and `actions`: `Fn() -> R` where `R:` [`HookResult`], or an `Option` of one.
///
/// `Shape` only keeps these apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be called here",
    note = "it is a function or closure without parameters that returns `()` or `Result<(), E>` with `E: Display`"
)]
pub trait IntoHook<Shape> {
    #[doc(hidden)]
    fn into_hook(self) -> Given;
}

/// A hook on its way into the builder.
#[doc(hidden)]
pub struct Given(pub(super) Option<Hook>);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

impl<F, R> IntoHook<fn() -> R> for F
where
    F: Fn() -> R + 'static,
    R: HookResult,
{
    fn into_hook(self) -> Given {
        Given(Some(Box::new(move || self().into_result())))
    }
}

impl<F, Shape> IntoHook<Option<Shape>> for Option<F>
where
    F: IntoHook<Shape>,
{
    fn into_hook(self) -> Given {
        self.map_or(Given(None), F::into_hook)
    }
}

/// What a hook may return: `()`, or a `Result` whose error refuses the step.
#[diagnostic::on_unimplemented(
    message = "a hook cannot return `{Self}`",
    note = "hooks return `()` or `Result<(), E>` with `E: Display`"
)]
pub trait HookResult {
    /// The error's text, if there is one.
    ///
    /// # Errors
    /// The hook's own error, in words.
    fn into_result(self) -> Result<(), String>;
}

impl HookResult for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> HookResult for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|e| e.to_string())
    }
}
