//! Those that take flags of their own.

use super::super::{BodyParts, Ending, IntoEnding, Worker as AnyWorker, WorkerParts};
use super::{Body, Worker};
use crate::context::{Context, Tick};
use crate::spec::flags::{Args, Values};

// Every action that leads to the work reads the flags first, so this is never seen.
fn without_flags() -> Ending {
    Ending::failed("the worker's flags were not read")
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
        WorkerParts { worker: AnyWorker { run, sees_context: false }, flags: Some(flags) }
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
        WorkerParts { worker: AnyWorker { run, sees_context: true }, flags: Some(flags) }
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
