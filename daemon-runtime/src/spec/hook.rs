//! The functions that a daemon is given besides its worker.

use std::fmt::Display;
use std::sync::Arc;

/// A function that is called at the end of the daemon, with the reason and the exit code.
pub(crate) type OnShutdown = Arc<dyn Fn(&str, i32) + Send + Sync>;

/// A function that is called in the launcher before anything else, and may refuse.
pub(crate) type OnStart = Box<dyn Fn() -> Result<(), String>>;

/// A function for `on_start`: `Fn() -> R` where `R:` [`HookResult`], or an `Option` of one.
///
/// `Shape` only keeps these apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `on_start`",
    note = "it is a function or closure without parameters that returns `()` or `Result<(), E>` with `E: Display`"
)]
pub trait IntoOnStart<Shape> {
    #[doc(hidden)]
    fn into_hook(self) -> Hook;
}

/// A hook on its way into the builder.
#[doc(hidden)]
pub struct Hook(pub(super) Option<OnStart>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl<F, R> IntoOnStart<fn() -> R> for F
where
    F: Fn() -> R + 'static,
    R: HookResult,
{
    fn into_hook(self) -> Hook {
        Hook(Some(Box::new(move || self().into_result())))
    }
}

impl<F, Shape> IntoOnStart<Option<Shape>> for Option<F>
where
    F: IntoOnStart<Shape>,
{
    fn into_hook(self) -> Hook {
        self.map_or(Hook(None), F::into_hook)
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
