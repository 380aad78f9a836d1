//! The two faces of a daemon: actions that return values, and `dispatch`, which prints.

#[cfg(feature = "manual")]
use crate::action::Shell;
use crate::action::{
    self, Action, Detached, IntoAction, Launch, LogLines, OrderOptions, Ordered, Reload, Restart, Run, Start,
    StartOptions, Status, StatusOptions, Stop, StopOptions, Unit, UnitOptions,
};
use crate::asked;
#[cfg(feature = "manual")]
use crate::cli::manual;
use crate::error::Error;
use crate::outcome::{self, Outcome, Terminal};
use crate::process::crowd::{self, OnInterrupt};
use crate::process::streams::{self, Listen};
use crate::process::{Observer, Silent, anew};
use crate::spec::Daemon;
use crate::spec::order::Order;

/// Whether there are processes of the daemon, so that what fails is not the caller's to handle any more.
struct PointOfNoReturn(bool);

impl Observer for PointOfNoReturn {
    fn forked(&mut self) {
        self.0 = true;
    }
}

impl Daemon {
    /// Starts the daemon. In the daemon the call never returns; in the process that called it, it does.
    ///
    /// # Errors
    /// Whatever kept the daemon from being ready; nothing of it is left behind then.
    pub fn start(&self) -> Result<Start, Error> {
        self.flags()?;
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
        self.flags()?;
        action::restart::restart(&self.spec, &StartOptions::default(), &StopOptions::default(), &mut Silent)
    }

    /// Sends the daemon SIGHUP, if it handles that signal.
    ///
    /// # Errors
    /// It is not running, does not handle SIGHUP, or cannot be signalled.
    pub fn reload(&self) -> Result<Reload, Error> {
        action::reload::reload(&self.spec)
    }

    /// Has a repeating daemon begin a tick at once, right after the one that runs if one does, and returns when it has ended.
    /// The timetable stays as it is. It works in a pause too. Where several ask at the same time, each is told of the last tick
    /// that began after it had asked.
    ///
    /// # Errors
    /// [`Error::TickFailed`]; or the daemon is not running, does not repeat, or cannot be asked.
    pub fn run_now(&self) -> Result<Ordered, Error> {
        self.order(Order::RunNow)
    }

    /// Has no tick of a repeating daemon begin by itself until [`resume`](Self::resume); one that runs goes on. It outlives a
    /// reload, and no restart.
    ///
    /// # Errors
    /// The daemon is not running, does not repeat, or cannot be asked.
    pub fn pause(&self) -> Result<Ordered, Error> {
        self.order(Order::Pause)
    }

    /// Has the ticks of a repeating daemon begin again when they are due. What came due in the pause is not made up for,
    /// whatever `missed` says.
    ///
    /// # Errors
    /// Those of [`pause`](Self::pause).
    pub fn resume(&self) -> Result<Ordered, Error> {
        self.order(Order::Resume)
    }

    fn order(&self, order: Order) -> Result<Ordered, Error> {
        action::order::order(&self.spec, order, &OrderOptions::default(), &mut Silent)
    }

    /// Tells whether the daemon runs. It disturbs nobody, and works from any account that can read the pidfile.
    ///
    /// # Errors
    /// A setting cannot be, or the system does not let us look.
    pub fn status(&self) -> Result<Status, Error> {
        action::status::status(&self.spec, &StatusOptions::default())
    }

    /// The last ten lines of each of the daemon's logs; of all instances, where none was chosen.
    /// [`dispatch`](Self::dispatch) with [`Action::Logs`] shows others, and goes on with what is written.
    ///
    /// # Errors
    /// A setting cannot be, a log cannot be read, or what the daemon writes goes where it cannot be shown from.
    pub fn logs(&self) -> Result<Vec<LogLines>, Error> {
        action::logs::last_lines(&self.spec)
    }

    /// Does the daemon's work in this process, with everything but the detaching. Returns when the worker has ended.
    ///
    /// A worker without [`Context`](crate::Context) is not waited for when a signal asks for the shutdown: then the process
    /// ends, with exit code 0, and this does not return.
    ///
    /// # Errors
    /// Whatever kept the work from beginning. How it ended is the answer's exit code.
    pub fn run(&self) -> Result<Run, Error> {
        self.flags()?;
        action::run::run(&self.spec)
    }

    /// Of a repeating daemon: does one tick in this process, at once, whatever `initial_delay` and `jitter` say, and returns
    /// when it has ended; what it came to is the answer's exit code. For who calls it again and again: a systemd timer, a
    /// Kubernetes `CronJob`, cron(8). It holds the claim meanwhile, so that no two ticks are ever done at the same time.
    ///
    /// # Errors
    /// [`Error::NotRepeating`], or whatever kept the tick from beginning.
    pub fn run_once(&self) -> Result<Run, Error> {
        self.flags()?;
        action::run::run_once(&self.spec)
    }

    /// Makes what a service manager needs to know of the daemon, from its settings: a systemd service, with a timer where
    /// that is asked for, or a Kubernetes manifest. Nothing is written unless [`UnitOptions::output`] says where.
    ///
    /// ```
    /// use daemon_runtime::{Context, Daemon, UnitOptions};
    /// # fn serve(_: &Context) {}
    /// let unit = Daemon::new(serve).name("greeter").about("Serves greetings.").unit(&UnitOptions::default())?;
    /// assert_eq!(unit.files[0].name, "greeter.service");
    /// assert!(unit.files[0].text.contains("Description=Serves greetings.\n"));
    /// # Ok::<(), daemon_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoUnit`] where the settings cannot be said to that manager, [`Error::Output`] where a file cannot be written.
    pub fn unit(&self, options: &UnitOptions) -> Result<Unit, Error> {
        action::unit::unit(&self.spec, options)
    }

    /// Makes the caller itself the daemon: this returns in the daemon, which goes on with the next line. The launcher ends in here,
    /// silently with code 0 once the daemon is ready (or has ended well), else with what went wrong on stderr and the exit
    /// code that `start` would have.
    ///
    /// Where it is not to detach (see [`Detach`](crate::Detach)), this process is the daemon, and there is no launcher.
    ///
    /// # Errors
    /// In the launcher: what kept the daemon from being begun. [`Error::AlreadyRunning`] is one of them.
    ///
    /// ```no_run
    /// use daemon_runtime::Daemon;
    ///
    /// let daemon = Daemon::here().name("example").pidfile("/tmp/example.pid").stdout("/tmp/example.log").detach()?;
    /// daemon.ready(); // what was started with stays visible until here
    /// println!("alive as {}", daemon.pid());
    /// # Ok::<(), daemon_runtime::Error>(())
    /// ```
    pub fn detach(&self) -> Result<Detached, Error> {
        let mut point = PointOfNoReturn(false);
        match action::detach::launch(&self.spec, Listen::ToErrors, &mut point) {
            Ok(Launch::Daemon(detached)) => Ok(detached),
            Ok(Launch::AlreadyRunning { pid }) => Err(Error::AlreadyRunning { pid }),
            Err(error) if !point.0 => Err(error),
            launcher => outcome::leave(launcher.map(drop)),
        }
    }

    /// Starts the daemon, and returns in both: in the launcher when it knows how that came out, with what the daemon wrote
    /// until then, and in the daemon, which goes on with the next line.
    ///
    /// # Errors
    /// In the launcher: whatever kept the daemon from being ready; nothing of it is left behind then.
    ///
    /// ```no_run
    /// use daemon_runtime::{Daemon, Launch};
    ///
    /// match Daemon::here().name("example").launch()? {
    ///     Launch::Daemon(daemon) => {
    ///         println!("heard by the launcher");
    ///         daemon.ready();
    ///     }
    ///     Launch::Launched { pid, output, .. } => println!("pid {pid} says: {output}"),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok::<(), daemon_runtime::Error>(())
    /// ```
    pub fn launch(&self) -> Result<Launch, Error> {
        action::detach::launch(&self.spec, Listen::ToAll, &mut Silent)
    }

    /// The script by which a shell completes the command line of the program, which the shell knows by this name: the actions
    /// with their options and values, the program's own actions and the worker's own flags. On the command line it is
    /// `completions SHELL`.
    ///
    /// # Errors
    /// [`Error::Flags`]: the name is not of letters, digits, `-`, `_`, `.` and `+`, or a flag of the worker's is one of the actions'.
    #[cfg(feature = "manual")]
    pub fn completions(&self, shell: Shell, program: &str) -> Result<String, Error> {
        manual::completions(&self.spec, shell, program).map_err(|text| Error::Flags { text })
    }

    /// The manual page of the program, which is called by this name, for man(1), in section 8: what the daemon is, all actions
    /// with their options, exit codes, files and signals. Paths stand there as they were written, with their `~` and variables. Its
    /// date is that of `SOURCE_DATE_EPOCH` if that is set, else today. On the command line it is `man`.
    ///
    /// # Errors
    /// Those of [`completions`](Self::completions); and `SOURCE_DATE_EPOCH` is no number of seconds up to the year 9999.
    #[cfg(feature = "manual")]
    pub fn man(&self, program: &str) -> Result<String, Error> {
        manual::man(&self.spec, program).map_err(|text| Error::Flags { text })
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
        // Before anything is opened: what is printed must not get into a file of ours.
        streams::ensure_standard();
        match asked::understand(&self.spec, asked.into_action()) {
            Ok(action) => match self.spec.instances {
                Some(count) if self.spec.instance.get().is_none() => self.perform_all(count, &action),
                _ => self.perform(action),
            },
            Err(told) => outcome::usage(&told.text, told.code),
        }
    }

    fn flags(&self) -> Result<(), Error> {
        match &self.spec.flags {
            Some(flags) => flags.take_defaults().map_err(|text| Error::Flags { text }),
            None => Ok(()),
        }
    }

    /// Does it for every instance; but an image of the program that was begun anew for one of them is that one.
    fn perform_all(&self, count: u32, action: &Action) -> Outcome {
        let one = anew::instance().filter(|n| *n < count);
        if let Some(n) = one {
            self.spec.instance.set(Some(n));
        }
        match action {
            // Lines of several logs are shown by one process.
            action if one.is_some() || matches!(action, Action::Custom(_) | Action::Logs(_) | Action::Unit(_)) => {
                self.perform(action.clone())
            }
            Action::Status(options) => {
                let mut look = || {
                    let each = (0..count).map(|n| {
                        self.spec.instance.set(Some(n));
                        action::status::status(&self.spec, options)
                    });
                    let statuses: Vec<_> = each.collect();
                    self.spec.instance.set(None);
                    statuses
                };
                match options.watch {
                    Some(every) => outcome::watch(options, every, &mut look),
                    None => outcome::statuses(&look(), options),
                }
            }
            _ => {
                let interrupts = match action {
                    Action::Stop(_) | Action::Reload | Action::RunNow(_) | Action::Pause(_) | Action::Resume(_) => {
                        OnInterrupt::End
                    }
                    _ => OnInterrupt::Own,
                };
                let each = |n| {
                    self.spec.instance.set(Some(n));
                    self.perform(action.clone()).code()
                };
                let codes = crowd::each(count, interrupts, each);
                self.spec.instance.set(None);
                outcome::all(&codes)
            }
        }
    }

    fn perform(&self, action: Action) -> Outcome {
        let options = match &action {
            Action::Status(options) => options.clone(),
            _ => StatusOptions::default(),
        };
        if let Some(every) = options.watch {
            return outcome::watch(&options, every, &mut || vec![action::status::status(&self.spec, &options)]);
        }
        let mut terminal = Terminal::new(self.spec.display_name(), options);
        let result = action::perform(&self.spec, action, &mut terminal);
        terminal.tell(result)
    }
}
