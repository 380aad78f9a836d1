//! The actions by their names, and what is said of them where there is none.

use std::ffi::OsStr;
use std::path::Path;

use crate::action::{Action, OrderOptions};
use crate::outcome;
use crate::spec::order::Order;
#[cfg(feature = "manual")]
use crate::spec::plan;
use crate::spec::{LOGS, Spec, UNIT};

/// What was asked for is nothing that can be done: help, a version, or a mistake with its usage.
#[derive(Debug)]
pub(crate) struct Told {
    /// The text, with its colours.
    pub(crate) text: String,
    /// 0 for help and version, which belong on stdout; 2 for a mistake.
    pub(crate) code: u8,
}

impl Told {
    pub(crate) fn mistake(reason: &str) -> Self {
        Self { text: outcome::error_line(reason), code: 2 }
    }
}

/// What is asked of a repeating daemon by this name, if anything is.
pub(crate) fn order(word: &str, options: OrderOptions) -> Option<Action> {
    Some(match Order::named(word)? {
        Order::RunNow => Action::RunNow(options),
        Order::Pause => Action::Pause(options),
        Order::Resume => Action::Resume(options),
    })
}

/// Whether the worker's own flags are also this action's.
pub(crate) fn takes_flags(verb: &str) -> bool {
    ["start", "restart", "run"].contains(&verb)
}

/// Whether it has to know the worker's own flags: those of `run` are part of a unit.
pub(crate) fn tells_of_flags(verb: &str) -> bool {
    takes_flags(verb) || verb == UNIT
}

/// What the program is called in usage and help.
pub(crate) fn program_name(spec: &Spec, program: Option<&OsStr>) -> String {
    file_name(program).unwrap_or_else(|| spec.display_name())
}

/// The program's file name, by which it was called.
#[cfg(feature = "manual")]
pub(crate) fn called_as(program: Option<&OsStr>) -> String {
    file_name(program).unwrap_or_else(plan::program_name)
}

fn file_name(program: Option<&OsStr>) -> Option<String> {
    Some(Path::new(program?).file_name()?.to_string_lossy().into_owned())
}

/// What stands in the help of an action that every daemon has.
pub(crate) fn about(verb: &str) -> &'static str {
    match verb {
        "start" => "Start the daemon, and tell how that came out",
        "stop" => "Stop the daemon, and wait until it is gone",
        "restart" => "Stop the daemon if it runs, then start it",
        "reload" => "Have the daemon read its configuration again (SIGHUP)",
        "status" => "Tell whether the daemon runs",
        LOGS => "Show the last lines that the daemon has written",
        UNIT => "Print what a service manager needs to know: a systemd service, a timer, or a Kubernetes manifest",
        "run-now" => "Have it begin a tick at once, and tell how that came out",
        "pause" => "Have no tick begin by itself, until `resume`; one that runs goes on",
        "resume" => "Have ticks begin again when they are due",
        "completions" => "Print the script by which a shell completes this command line",
        "man" => "Print the manual page",
        _ => "Do the daemon's work in the foreground, for service managers and containers",
    }
}

/// What stands in a list of actions, or in a short help.
pub(crate) fn first_paragraph(text: &str) -> &str {
    text.split("\n\n").next().unwrap_or(text).trim()
}

/// A sentence for who has named none of them.
pub(crate) fn all_actions(spec: &Spec) -> String {
    let own = spec.actions.iter().map(|action| action.name.as_str());
    let manual = spec.manual().filter(|_| cfg!(feature = "manual"));
    let all = spec.verbs().map(|verb| -> &str { verb }).chain(own).chain(manual.map(|word| -> &str { word }));
    format!("The actions are {}.\n", all.collect::<Vec<_>>().join(", "))
}
