//! The shapes that a worker and a tick's body can have. Sealed: nobody else adds one.

use super::{Args, BodyParts, Context, IntoEnding, Tick, Values, WorkerParts, without_flags};

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

impl<F, R, T> Worker<fn(Args<T>) -> R> for F
where
    F: FnMut(Args<T>) -> R + 'static,
    R: IntoEnding,
    T: clap::Args + 'static,
{
    fn into_worker(mut self) -> WorkerParts {
        let (values, flags) = Values::new();
        let run = Box::new(move |_: &Context| values.take().map_or_else(without_flags, |v| self(v).into_ending()));
        WorkerParts { worker: super::Worker { run, sees_context: false }, flags: Some(flags) }
    }
}

impl<F, R, T> Worker<fn(&Context, Args<T>) -> R> for F
where
    F: FnMut(&Context, Args<T>) -> R + 'static,
    R: IntoEnding,
    T: clap::Args + 'static,
{
    fn into_worker(mut self) -> WorkerParts {
        let (values, flags) = Values::new();
        let run = Box::new(move |context: &Context| {
            values.take().map_or_else(without_flags, |v| self(context, v).into_ending())
        });
        WorkerParts { worker: super::Worker { run, sees_context: true }, flags: Some(flags) }
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

impl<F, R, T> Body<fn(Args<T>) -> R> for F
where
    F: FnMut(Args<T>) -> R + 'static,
    R: IntoEnding,
    T: clap::Args + Clone + 'static,
{
    fn into_body(mut self) -> BodyParts {
        let (values, flags) = Values::new();
        let body = Box::new(move |_: &Tick| values.cloned().map_or_else(without_flags, |v| self(v).into_ending()));
        BodyParts { body, flags: Some(flags) }
    }
}

impl<F, R, T> Body<fn(&Tick, Args<T>) -> R> for F
where
    F: FnMut(&Tick, Args<T>) -> R + 'static,
    R: IntoEnding,
    T: clap::Args + Clone + 'static,
{
    fn into_body(mut self) -> BodyParts {
        let (values, flags) = Values::new();
        let body =
            Box::new(move |tick: &Tick| values.cloned().map_or_else(without_flags, |v| self(tick, v).into_ending()));
        BodyParts { body, flags: Some(flags) }
    }
}
