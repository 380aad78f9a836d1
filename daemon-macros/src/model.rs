//! Raw arguments and a function to a daemon that can be built. Every rule lives here and below.

mod call;
mod conflict;
mod keys;
mod list;
mod literal;
mod rule;
mod settings;
mod unknown;
mod worker;

use crate::item::Function;
use crate::mistakes::Mistakes;

pub(crate) use call::{Call, Help, Label, Value};
pub(crate) use settings::{Schedule, Settings};
pub(crate) use worker::{Ends, Flags, Passed, Worker, is_args};

/// A daemon without a mistake.
pub(crate) struct Model<'a> {
    pub(crate) settings: &'a Settings<'a>,
    pub(crate) function: &'a Function,
    pub(crate) worker: Worker<'a>,
    /// What the daemon is called if its settings do not say it.
    pub(crate) default_name: Option<DefaultName>,
}

pub(crate) enum DefaultName {
    OfFunction,
    OfProgram,
}

impl<'a> Model<'a> {
    /// Both halves together, the attribute's and the function's, or the mistakes of both.
    pub(crate) fn new(
        settings: &'a Settings<'a>,
        function: &'a Function,
        mut mistakes: Mistakes,
    ) -> Result<Self, Mistakes> {
        let worker = Worker::new(settings.kind, &function.sig, &mut mistakes);
        let clash = conflict::notify_without_context(settings.arguments, &worker, &function.sig);
        mistakes.extend(clash);
        let default_name = default_name(settings, function);
        mistakes.release(Self { settings, function, worker, default_name })
    }
}

/// A name that is an expression may turn out to be `None`, so it needs a default as well.
fn default_name(settings: &Settings<'_>, function: &Function) -> Option<DefaultName> {
    match settings.name_is_certain() {
        true => None,
        false if function.is_main() => Some(DefaultName::OfProgram),
        false => Some(DefaultName::OfFunction),
    }
}
