//! The actions: one file per verb, each from the spec to an answer. Nothing here prints.

pub(crate) mod custom;
pub(crate) mod detach;
pub(crate) mod fields;
pub(crate) mod logs;
#[cfg(feature = "manual")]
pub(crate) mod manual;
pub(crate) mod order;
pub(crate) mod reload;
pub(crate) mod restart;
pub(crate) mod run;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod ticks;
pub(crate) mod unit;
mod vouched;

use std::ffi::{OsStr, OsString};
use std::time::Duration;

pub use detach::{Detached, Launch};
pub use logs::{Lines, LogLines, LogsOptions};
#[cfg(feature = "manual")]
pub use manual::Shell;
pub use order::{OrderOptions, Ordered};
pub use reload::Reload;
pub use restart::Restart;
pub use run::Run;
pub use start::Start;
pub use status::{State, Status, Vitals};
pub use stop::Stop;
pub use ticks::{FailedTick, LastTick, NextTick, RecentTick, RunningTick, Ticks};
pub use unit::{Unit, UnitFile, UnitKind, UnitOptions, UnitScope};

use crate::error::Error;
use crate::process::{Observer, Silent};
use crate::spec::Spec;
use crate::spec::order::Order;

/// What can be asked of a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Start it, and tell how that came out.
    Start(StartOptions),
    /// Stop it, and wait until it is gone.
    Stop(StopOptions),
    /// Stop it if it runs, then start it.
    Restart(StartOptions, StopOptions),
    /// Send it SIGHUP.
    Reload,
    /// Tell whether it runs.
    Status(StatusOptions),
    /// Show the last lines that it has written, and what it goes on to write.
    Logs(LogsOptions),
    /// Have a repeating daemon begin a tick at once, and wait for the end of it.
    RunNow(OrderOptions),
    /// Have no tick of a repeating daemon begin by itself.
    Pause(OrderOptions),
    /// Have them begin again when they are due.
    Resume(OrderOptions),
    /// Do its work in the foreground, for service managers and containers.
    Run,
    /// Of a repeating daemon: do one tick in the foreground, at once, and end with its exit code.
    RunOnce,
    /// Make what a service manager needs to know of it.
    Unit(UnitOptions),
    /// Print the script by which a shell completes the command line.
    #[cfg(feature = "manual")]
    Completions(Shell),
    /// Print the manual page.
    #[cfg(feature = "manual")]
    Man,
    /// An action of the program's own, by its name on the command line.
    Custom(String),
}

/// How to start; the default is as the daemon's keys say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartOptions {
    /// Do not detach.
    pub foreground: bool,
    /// Instead of `start_timeout`.
    pub timeout: Option<Duration>,
}

/// How to stop; the default is as the daemon's keys say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopOptions {
    /// Instead of `stop_timeout`.
    pub timeout: Option<Duration>,
    /// Kill what has not stopped by then, with its whole session.
    pub force: bool,
}

/// What to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusOptions {
    /// As one JSON object.
    pub json: bool,
    /// Which fields; none means the usual ones: `name`, `pid`, `status`, `uptime` (seconds), `cpu_percent`, `memory_percent`
    /// and `group_num_procs`.
    ///
    /// What is not asked for is not looked at:
    ///
    /// | field | of whom | what it is read from |
    /// |---|---|---|
    /// | `name` `pid` `status` | the daemon | the locks alone |
    /// | `uptime`, and all that are not of the usual ones | the daemon's own process, without its children | its folder in /proc; `terminal` also /dev, `net_connections` all sockets of its network namespace |
    /// | `cpu_percent` `memory_percent` `group_num_procs` | all processes of the daemon's session (in the foreground: of its process group) | /proc, of each of these; they are found by the process tree |
    ///
    /// The process tree is gone through from the daemon down, and from there up to init, each of whose children is asked for
    /// its session by one system call: so it does not matter how many other processes there are, but for those that init has,
    /// of which some thousands are noticed. (What was forked by a process that then left the session, and was left behind, is
    /// not found by that.) Only where the kernel lists no children
    /// (`CONFIG_PROC_CHILDREN`), where /proc hides init from the account, or for a daemon in a pid namespace of its own, all
    /// processes are gone through.
    ///
    /// The others have the names and the meanings of psutil's `Process.as_dict`; bytes, seconds and counts are plain numbers:
    ///
    /// They are there with the feature `fields`, which is on by default.
    ///
    /// | field | what |
    /// |---|---|
    /// | `ticks` | what a repeating daemon tells of its ticks: an object, see below |
    /// | `status_text` | what the daemon says that it is doing ([`Context::set_status`](crate::Context::set_status)) |
    /// | `ppid` `session` `nice` `cpu_num` `num_threads` `num_fds` `memory_rss` | numbers |
    /// | `create_time` | seconds since 1970 |
    /// | `state` | what its main thread does: `running`, `sleeping`, `disk-sleep`, `stopped`, ...; psutil calls it `status` |
    /// | `cmdline` `cwd` `exe` | as /proc has them |
    /// | `environ` | an object; what exec(2) gave it, whatever it has changed since |
    /// | `terminal` | the device of its controlling terminal, which a daemon in the background has not |
    /// | `uid` `username` | the effective uid; the name of the real one |
    /// | `uids` `gids` | `real`, `effective`, `saved` |
    /// | `ionice` | `ioclass` (0 none, 1 realtime, 2 best effort, 3 idle) and `value` |
    /// | `cpu_affinity` | a list of processors |
    /// | `cpu_times` | `user`, `system`, `children_user`, `children_system`, `iowait`; of children only what it has waited for |
    /// | `num_ctx_switches` | `voluntary`, `involuntary`; of its main thread |
    /// | `threads` | a list of `id`, `user_time`, `system_time` |
    /// | `memory_info` | `rss`, `vms`, `shared`, `text`, `lib`, `data`, `dirty` |
    /// | `memory_full_info` | the same with `uss`, `pss`, `swap` |
    /// | `memory_maps` | a list, one for each file: `path`, `rss`, `size`, `pss`, `shared_clean`, `shared_dirty`, `private_clean`, `private_dirty`, `referenced`, `anonymous`, `swap` |
    /// | `io_counters` | `read_count`, `write_count`, `read_bytes`, `write_bytes`, `read_chars`, `write_chars` |
    /// | `open_files` | a list of pairs, path and descriptor |
    /// | `net_connections`, also as `connections` | a list of its internet sockets: `fd`, `family`, `type`, `laddr`, `raddr` (each with `ip` and `port`), `status` |
    ///
    /// A repeating daemon's `ticks`, which it tells without being asked for, has `done`, `failed`, `skipped` (counts), `paused`,
    /// `last` (`number`, `time` when it began, `seconds` that it took, `ok`, `error`), `running` (`number`, `seconds` so far) and
    /// `next` (`number`, `time`, `seconds` until then), `last_failed` (`number`, `error`), these four null where there is none, and `recent`, a list of the last
    /// ticks, 32 at most and the oldest first (`number`, `seconds`, `ok`). Times are UTC, as RFC 3339 has them. All of it is the
    /// daemon's own word.
    ///
    /// What the account may not see is null; of a daemon that became another `user`, only root sees all.
    pub fields: Vec<String>,
    /// Again and again, so often, as a view on the terminal that is left by `q`; at least 100 ms. With it [`dispatch`] draws
    /// instead of printing a line: cpu and memory of the session over the time watched, and a repeating daemon's last ticks. It
    /// shows what it shows: `json` and `fields` are refused beside it, and so is a stdout that is no terminal, with exit code 2.
    /// Once left, the answer and its exit code are those of the last look. It is there with the feature `watch`, and refused
    /// by its name without.
    ///
    /// The share of the processors that it tells is that since the look before, as top(1) has it.
    ///
    /// [`dispatch`]: crate::Daemon::dispatch
    pub watch: Option<Duration>,
    /// Whether it is ready, and not only there: then a daemon whose start is not agreed on yet is [`State::Starting`], with exit
    /// code 3, and one of which this account cannot tell is [`State::Unknown`], with 4. Only its claim says so, which its owner and
    /// root may ask. `watch` is refused beside it.
    pub ready: bool,
}

/// What an action came to, if it did not fail.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "there is one of it for a whole action")]
#[non_exhaustive]
pub enum Answer {
    /// Of `start`.
    Start(Start),
    /// Of `stop`.
    Stop(Stop),
    /// Of `restart`.
    Restart(Restart),
    /// Of `reload`.
    Reload(Reload),
    /// Of `status`.
    Status(Status),
    /// Of `logs`: the lines were shown as they were read.
    Logs,
    /// Of `run-now`, `pause` and `resume`.
    Ordered(Ordered),
    /// Of `run`.
    Run(Run),
    /// Of `unit`.
    Unit(Unit),
    /// Of an action of the program's own.
    Custom,
    /// Of all instances: what it came to for each of them was told, in the process that did it.
    All,
    /// The usage was told: help, a version, completions, the manual page, or what is wrong with the command line.
    Usage,
}

/// Who tells of an action while it goes on: the terminal, or nobody.
pub(crate) trait Narrator {
    /// Who hears of a start.
    fn starting(&mut self) -> &mut dyn Observer;
    /// Who hears of a stop.
    fn stopping(&mut self) -> &mut dyn Observer;
    /// Who hears of what is asked of a daemon that runs.
    fn ordering(&mut self, order: Order) -> &mut dyn Observer;
    /// Who is shown the lines of logs.
    fn reading(&mut self) -> &mut dyn logs::Audience;
    /// Of a restart: the stop is done, the start follows.
    fn stopped(&mut self, _stop: &Stop) {}
}

impl Narrator for Silent {
    fn starting(&mut self) -> &mut dyn Observer {
        self
    }
    fn stopping(&mut self) -> &mut dyn Observer {
        self
    }
    fn ordering(&mut self, _order: Order) -> &mut dyn Observer {
        self
    }
    fn reading(&mut self) -> &mut dyn logs::Audience {
        self
    }
}

/// Does what was asked.
pub(crate) fn perform(spec: &Spec, action: Action, narrator: &mut dyn Narrator) -> Result<Answer, Error> {
    match action {
        Action::Start(options) => start::start(spec, &options, narrator.starting()).map(Answer::Start),
        Action::Stop(options) => stop::stop(spec, &options, narrator.stopping()).map(Answer::Stop),
        Action::Restart(start, stop) => restart::restart(spec, &start, &stop, narrator).map(Answer::Restart),
        Action::Reload => reload::reload(spec).map(Answer::Reload),
        Action::Status(options) => status::status(spec, &options).map(Answer::Status),
        Action::Logs(options) => logs::logs(spec, &options, narrator.reading()).map(|()| Answer::Logs),
        Action::RunNow(options) => {
            order::order(spec, Order::RunNow, &options, narrator.ordering(Order::RunNow)).map(Answer::Ordered)
        }
        Action::Pause(options) => {
            order::order(spec, Order::Pause, &options, narrator.ordering(Order::Pause)).map(Answer::Ordered)
        }
        Action::Resume(options) => {
            order::order(spec, Order::Resume, &options, narrator.ordering(Order::Resume)).map(Answer::Ordered)
        }
        Action::Run => run::run(spec).map(Answer::Run),
        Action::RunOnce => run::run_once(spec).map(Answer::Run),
        Action::Unit(options) => unit::unit(spec, &options).map(Answer::Unit),
        // Told already, by who understood what was asked.
        #[cfg(feature = "manual")]
        Action::Completions(_) | Action::Man => Ok(Answer::Usage),
        Action::Custom(name) => custom::custom(spec, &name).map(|()| Answer::Custom),
    }
}

/// What an action can be given as, to the dispatcher that an attribute makes and to [`dispatch`](crate::Daemon::dispatch):
/// an [`Action`], its name, an `Option` of these (`None` asks for the usage), or a whole command line, program name first.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no action",
    note = "an action is an `Action`, its name as text, an `Option` of these, or `std::env::args_os()`"
)]
pub trait IntoAction {
    /// The action, or the text that names it.
    fn into_action(self) -> Asked;
}

/// What was asked, before it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// An action.
    Action(Action),
    /// The words of a command line, without the program's name.
    Words {
        /// The program's name, if it was told.
        program: Option<OsString>,
        /// The words.
        words: Vec<OsString>,
    },
}

impl IntoAction for Asked {
    fn into_action(self) -> Asked {
        self
    }
}

impl IntoAction for Action {
    fn into_action(self) -> Asked {
        Asked::Action(self)
    }
}

impl<A: IntoAction> IntoAction for Option<A> {
    fn into_action(self) -> Asked {
        self.map_or(Asked::Words { program: None, words: Vec::new() }, A::into_action)
    }
}

macro_rules! named {
    ($($name:ty),+) => { $(
        impl IntoAction for $name {
            fn into_action(self) -> Asked {
                Asked::Words { program: None, words: vec![self.into()] }
            }
        }
    )+ };
}

named!(&str, String, &OsStr, OsString);

impl IntoAction for &String {
    fn into_action(self) -> Asked {
        self.as_str().into_action()
    }
}

macro_rules! command_line {
    ($($line:ty),+) => { $(
        impl IntoAction for $line {
            fn into_action(mut self) -> Asked {
                let program = self.next().map(Into::into);
                Asked::Words { program, words: self.map(Into::into).collect() }
            }
        }
    )+ };
}

command_line!(std::env::Args, std::env::ArgsOs);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_and_none_is_no_word() {
        assert_eq!("start".into_action(), Asked::Words { program: None, words: vec!["start".into()] });
        assert_eq!(None::<&str>.into_action(), Asked::Words { program: None, words: vec![] });
        assert_eq!(Some(String::from("stop")).into_action(), "stop".into_action());
    }
}
