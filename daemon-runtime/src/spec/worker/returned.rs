//! What a worker returned, for the attributes, which cannot know its type.

use std::fmt::Display;
use std::process::Termination;

use super::{Ending, IntoEnding};

/// How the attributes turn whatever a worker returns into an [`Ending`]: by `Display` where its error has that, else by
/// [`Termination`], else by [`IntoEnding`], whose message tells what a worker may return. Method look-up tries them in this
/// order, because each stands a reference further away from `&mut &mut Returned<T>`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Returned<T>(pub Option<T>);

#[doc(hidden)]
pub trait ByDisplay {
    fn ending(&mut self) -> Ending;
}

impl<T: Termination, E: Display> ByDisplay for &mut Returned<Result<T, E>> {
    fn ending(&mut self) -> Ending {
        match self.0.take() {
            Some(Ok(value)) => Ending::of(value),
            Some(Err(error)) => Ending::failed(error),
            None => Ending::WELL,
        }
    }
}

#[doc(hidden)]
pub trait ByTermination {
    fn ending(&mut self) -> Ending;
}

#[allow(clippy::mut_mut, reason = "the number of references is what orders the look-up")]
impl<T: Termination> ByTermination for &mut &mut Returned<T> {
    fn ending(&mut self) -> Ending {
        self.0.take().map_or(Ending::WELL, Ending::of)
    }
}

#[doc(hidden)]
pub trait ByEnding {
    type Value;
    fn ending(&mut self) -> Ending
    where
        Self::Value: IntoEnding;
}

impl<T> ByEnding for Returned<T> {
    type Value = T;
    fn ending(&mut self) -> Ending
    where
        T: IntoEnding,
    {
        self.0.take().map_or(Ending::WELL, T::into_ending)
    }
}

/// What the attributes wrap the worker's call in.
#[doc(hidden)]
#[macro_export]
macro_rules! __ending {
    ($call:expr) => {{
        #[allow(unused_imports, reason = "each return type needs only one of the three")]
        use $crate::__private::{ByDisplay as _, ByEnding as _, ByTermination as _};
        (&mut &mut $crate::__private::Returned(::core::option::Option::Some($call))).ending()
    }};
}
