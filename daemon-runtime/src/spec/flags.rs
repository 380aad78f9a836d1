//! The worker's own flags on the command line. Beside cli.rs the only file that knows clap, whose `Args` the user derives.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

/// What a worker takes that has flags of its own: they become flags of `start`, `restart` and `run`. The attribute makes it
/// of a parameter with `#[args]`.
///
/// `T` derives `clap::Args`, for which the program needs clap with its feature `derive`.
///
/// ```no_run
/// use daemon_runtime::{Args, Context, Daemon, Outcome};
///
/// struct Options { port: u16 }
/// # impl clap::FromArgMatches for Options {
/// #     fn from_arg_matches(_: &clap::ArgMatches) -> Result<Self, clap::Error> { Ok(Self { port: 1 }) }
/// #     fn update_from_arg_matches(&mut self, _: &clap::ArgMatches) -> Result<(), clap::Error> { Ok(()) }
/// # }
/// # impl clap::Args for Options {
/// #     fn augment_args(command: clap::Command) -> clap::Command { command }
/// #     fn augment_args_for_update(command: clap::Command) -> clap::Command { command }
/// # }
/// fn main() -> Outcome {
///     let daemon = Daemon::new(|ctx: &Context, options: Args<Options>| println!("{}: {}", ctx.name(), options.port));
///     daemon.name("server").dispatch(std::env::args_os())
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Args<T: clap::Args>(pub T);

impl<T: clap::Args> Deref for Args<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The flags as the command line sees them: how they are described, and where their values go.
pub(crate) struct Flags {
    pub(crate) describe: fn(Command) -> Command,
    pub(crate) take: Box<Take>,
}

/// Reads the values, and keeps them for the worker.
type Take = dyn Fn(&ArgMatches) -> Result<(), clap::Error>;

/// Where the worker finds the values.
pub(crate) struct Values<T>(Rc<RefCell<Option<T>>>);

impl<T: clap::Args + 'static> Values<T> {
    /// The two ends: for the worker, and for the command line.
    pub(crate) fn new() -> (Self, Flags) {
        let values = Rc::new(RefCell::new(None));
        let store = Rc::clone(&values);
        let take = move |matches: &ArgMatches| {
            *store.borrow_mut() = Some(T::from_arg_matches(matches)?);
            Ok(())
        };
        (Self(values), Flags { describe: T::augment_args, take: Box::new(take) })
    }

    /// The values, once.
    pub(crate) fn take(&self) -> Option<Args<T>> {
        self.0.borrow_mut().take().map(Args)
    }

    /// The values, for each tick anew.
    pub(crate) fn cloned(&self) -> Option<Args<T>>
    where
        T: Clone,
    {
        self.0.borrow().clone().map(Args)
    }
}

impl Flags {
    /// Takes the values that hold where no command line says anything.
    pub(crate) fn take_defaults(&self) -> Result<(), String> {
        let command = (self.describe)(Command::new("").no_binary_name(true).disable_help_flag(true));
        let matches = command.try_get_matches_from(std::iter::empty::<&str>());
        let taken = matches.and_then(|matches| (self.take)(&matches));
        taken.map_err(|error| match error.kind() {
            ErrorKind::MissingRequiredArgument => "a flag of the worker that must be given was not given".to_owned(),
            _ => error.to_string(),
        })
    }
}
