//! The shapes that a worker and a tick's body can have. Sealed: nobody else adds one.

#[cfg(feature = "cli")]
mod with_flags;

use super::{BodyParts, Context, IntoEnding, Tick, WorkerParts};

pub trait Worker<Shape> {
    #[doc(hidden)]
    fn into_worker(self) -> WorkerParts;
}

pub trait Body<Shape> {
    #[doc(hidden)]
    fn into_body(self) -> BodyParts;
}

impl<F, R> Worker<fn() -> R> for F
where
    F: FnMut() -> R + 'static,
    R: IntoEnding,
{
    fn into_worker(mut self) -> WorkerParts {
        let run = Box::new(move |_: &Context| self().into_ending());
        WorkerParts { worker: super::Worker { run, sees_context: false }, flags: None }
    }
}

impl<F, R> Worker<fn(&Context) -> R> for F
where
    F: FnMut(&Context) -> R + 'static,
    R: IntoEnding,
{
    fn into_worker(mut self) -> WorkerParts {
        let run = Box::new(move |context: &Context| self(context).into_ending());
        WorkerParts { worker: super::Worker { run, sees_context: true }, flags: None }
    }
}

impl<F, R> Body<fn() -> R> for F
where
    F: FnMut() -> R + 'static,
    R: IntoEnding,
{
    fn into_body(mut self) -> BodyParts {
        BodyParts { body: Box::new(move |_| self().into_ending()), flags: None }
    }
}

impl<F, R> Body<fn(&Tick) -> R> for F
where
    F: FnMut(&Tick) -> R + 'static,
    R: IntoEnding,
{
    fn into_body(mut self) -> BodyParts {
        BodyParts { body: Box::new(move |tick| self(tick).into_ending()), flags: None }
    }
}
