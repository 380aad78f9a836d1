//! The two faces of a daemon: actions that return values, and `dispatch`, which prints.

use crate::action::{
    self, Action, IntoAction, Reload, Restart, Run, Start, StartOptions, Status, StatusOptions, Stop, StopOptions,
};
use crate::cli;
use crate::error::Error;
use crate::outcome::{self, Outcome, Terminal};
use crate::process::Silent;
use crate::spec::Daemon;

impl Daemon {
    /// Starts the daemon. In the daemon the call never returns; in the process that called it, it does.
    ///
    /// # Errors
    /// Whatever kept the daemon from being ready; nothing of it is left behind then.
    pub fn start(&self) -> Result<Start, Error> {
        action::start::start(&self.spec, &StartOptions::default(), &mut Silent)
    }

    /// Stops the daemon, and returns when it is gone.
    ///
    /// # Errors
    /// It is still there after `stop_timeout`, cannot be signalled, or there is no proof which process it is.
    pub fn stop(&self) -> Result<Stop, Error> {
        action::stop::stop(&self.spec, &StopOptions::default(), &mut Silent)
    }

    /// Stops the daemon if it runs, then starts it.
    ///
    /// # Errors
    /// Those of [`stop`](Self::stop), after which nothing is started, and those of [`start`](Self::start).
    pub fn restart(&self) -> Result<Restart, Error> {
        action::restart::restart(&self.spec, &StartOptions::default(), &StopOptions::default(), &mut Silent)
    }

    /// Sends the daemon SIGHUP, if it handles that signal.
    ///
    /// # Errors
    /// It is not running, does not handle SIGHUP, or cannot be signalled.
    pub fn reload(&self) -> Result<Reload, Error> {
        action::reload::reload(&self.spec)
    }

    /// Tells whether the daemon runs. It disturbs nobody, and works from any account that can read the pidfile.
    ///
    /// # Errors
    /// A setting cannot be, or the system does not let us look.
    pub fn status(&self) -> Result<Status, Error> {
        action::status::status(&self.spec, &StatusOptions::default())
    }

    /// Does the daemon's work in this process, with everything but the detaching. Returns when the worker has ended.
    ///
    /// A worker without [`Context`](crate::Context) is not waited for when a signal asks for the shutdown: then the process
    /// ends, with exit code 0, and this does not return.
    ///
    /// # Errors
    /// Whatever kept the work from beginning. How it ended is the answer's exit code.
    pub fn run(&self) -> Result<Run, Error> {
        action::run::run(&self.spec)
    }

    /// Does what is asked for and prints how it came out; the attributes expand to this.
    ///
    /// What is asked for is an [`Action`], its name, or a command line such as [`std::env::args_os`]. In the daemon the call
    /// never returns; in the process that called it, it does.
    ///
    /// ```no_run
    /// use daemon_runtime::{Daemon, Outcome};
    ///
    /// fn main() -> Outcome {
    ///     Daemon::new(|| loop { std::thread::park() }).name("sleeper").dispatch(std::env::args_os())
    /// }
    /// ```
    pub fn dispatch(&self, asked: impl IntoAction) -> Outcome {
        match cli::parse(&self.spec, asked.into_action()) {
            Ok(action) => self.perform(action),
            Err(told) => outcome::usage(&told.text, told.code),
        }
    }

    fn perform(&self, action: Action) -> Outcome {
        let options = match &action {
            Action::Status(options) => options.clone(),
            _ => StatusOptions::default(),
        };
        let mut terminal = Terminal::new(self.spec.display_name(), options);
        let result = action::perform(&self.spec, action, &mut terminal);
        terminal.tell(result)
    }
}
