//! What runs in the daemon: workers and tick bodies, and how their return values end it.

mod returned;
pub(crate) mod sealed;

use std::fmt::Display;
use std::process::{ExitCode, Termination};

pub use self::returned::{ByDisplay, ByEnding, ByTermination, Returned};

use super::Flags;
use crate::context::{Context, Tick};

/// How a worker ended: an exit code, and the error's text if it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub(crate) code: u8,
    pub(crate) error: Option<String>,
}

impl Ending {
    /// The end of a worker that has done its work: exit code 0.
    pub const WELL: Self = Self { code: 0, error: None };

    /// A failure in words: exit code 1.
    pub fn failed(error: impl Display) -> Self {
        Self { code: 1, error: Some(error.to_string()) }
    }

    /// What a [`Termination`] of any type reports.
    pub fn of(value: impl Termination) -> Self {
        Self::from_exit_code(value.report())
    }

    // `ExitCode` does not show its number, but it can be compared, and there are only 256 of them.
    fn from_exit_code(exit: ExitCode) -> Self {
        let code = (0..=u8::MAX).find(|code| ExitCode::from(*code) == exit).unwrap_or(1);
        Self { code, error: None }
    }

    /// Whether the worker ended with exit code 0.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.code == 0
    }
}

/// What a worker may return: `()`, `!`, `Result<T, E: Display>` of these, [`ExitCode`] or [`Ending`].
///
/// Another [`Termination`] goes through [`Ending::of`]; the attributes do that by themselves.
#[diagnostic::on_unimplemented(
    message = "a worker cannot return `{Self}`",
    note = "workers return `()`, `!`, `Result<(), E>` with `E: Display`, `ExitCode`, or `Ending::of(...)` of any `Termination`"
)]
pub trait IntoEnding {
    /// The exit code and the error's text.
    fn into_ending(self) -> Ending;
}

impl IntoEnding for Ending {
    fn into_ending(self) -> Ending {
        self
    }
}

impl IntoEnding for () {
    fn into_ending(self) -> Ending {
        Ending::WELL
    }
}

impl IntoEnding for ExitCode {
    fn into_ending(self) -> Ending {
        Ending::from_exit_code(self)
    }
}

impl<T: IntoEnding, E: Display> IntoEnding for Result<T, E> {
    fn into_ending(self) -> Ending {
        self.map_or_else(Ending::failed, T::into_ending)
    }
}

/// The type `!`, which stable Rust lets us reach only as what a function pointer returns.
type Never = <fn() -> ! as Returns>::Value;

/// A way to name what a function returns.
pub trait Returns {
    /// What it returns.
    type Value;
}

impl<T> Returns for fn() -> T {
    type Value = T;
}

impl IntoEnding for Never {
    fn into_ending(self) -> Ending {
        self
    }
}

/// A worker: run once, in the daemon.
pub(crate) struct Worker {
    pub(crate) run: Box<dyn FnMut(&Context) -> Ending>,
    /// Whether it takes a `Context`, and so can end in its own time when a shutdown is asked for.
    pub(crate) sees_context: bool,
}

/// The body of a repeating daemon: run once a tick.
pub(crate) type Body = Box<dyn FnMut(&Tick) -> Ending>;

/// A function that can be a worker: `FnMut() -> R` or `FnMut(&Context) -> R`, where `R:` [`IntoEnding`]; either may take
/// `Args<T>` last, with the feature `cli`.
///
/// `Shape` only keeps the two apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a worker",
    note = "a worker is a function or closure without parameters, or with one `&Context`, whose type a closure must write out; \
            its last parameter may be `Args<T>`, where `T` derives `clap::Args`"
)]
pub trait IntoWorker<Shape>: sealed::Worker<Shape> {}

/// A function that can be a tick's body: `FnMut() -> R` or `FnMut(&Tick) -> R`, where `R:` [`IntoEnding`]; either may take
/// `Args<T>` last, with the feature `cli`, if `T` is `Clone`.
///
/// `Shape` only keeps the two apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the body of a tick",
    note = "a body is a function or closure without parameters, or with one `&Tick`, whose type a closure must write out; \
            its last parameter may be `Args<T>`, where `T` derives `clap::Args` and `Clone`"
)]
pub trait IntoBody<Shape>: sealed::Body<Shape> {}

impl<Shape, F: sealed::Worker<Shape>> IntoWorker<Shape> for F {}
impl<Shape, F: sealed::Body<Shape>> IntoBody<Shape> for F {}

/// A worker on its way into the builder.
pub struct WorkerParts {
    pub(crate) worker: Worker,
    pub(crate) flags: Option<Flags>,
}

/// A tick's body on its way into the builder.
pub struct BodyParts {
    pub(crate) body: Body,
    pub(crate) flags: Option<Flags>,
}

impl std::fmt::Debug for WorkerParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerParts").field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("sees_context", &self.sees_context).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for BodyParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown;
    impl Display for Shown {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("shown")
        }
    }

    #[test]
    fn an_exit_code_keeps_its_number() {
        assert!((0..=255).all(|code| ExitCode::from(code).into_ending().code == code));
    }

    #[test]
    fn an_error_with_display_is_told_in_its_words() {
        assert_eq!(crate::__ending!(Err::<(), _>(Shown)), Ending::failed("shown"));
        assert_eq!(Err::<(), _>(Shown).into_ending(), Ending::failed("shown"));
    }

    #[test]
    fn any_termination_is_taken() {
        fn opaque() -> impl Termination {
            ExitCode::from(9)
        }
        assert_eq!(crate::__ending!(opaque()).code, 9);
        assert_eq!(crate::__ending!(()), Ending::WELL);
        assert_eq!(crate::__ending!(Ending::failed("so")), Ending::failed("so"));
        assert_eq!(crate::__ending!(Ok::<ExitCode, Shown>(ExitCode::from(3))).code, 3);
    }

    #[test]
    fn a_function_that_never_returns_is_a_worker() {
        fn forever() -> ! {
            loop {
                std::thread::park();
            }
        }
        fn takes<S>(_: impl IntoWorker<S>) {}
        takes(forever);
    }
}
