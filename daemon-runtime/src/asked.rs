//! What was asked -> Action. A name is understood here; a command line that says more is for cli.rs.

#[cfg(not(feature = "cli"))]
mod plain;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::action::{Action, Asked, OrderOptions, StartOptions, StatusOptions, StopOptions};
#[cfg(feature = "cli")]
use crate::cli as line;
use crate::outcome;
use crate::spec::Spec;
use crate::spec::order::Order;
#[cfg(not(feature = "cli"))]
use plain as line;

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

/// Understands what was asked. What it says of an instance and of the worker's flags goes into the spec.
pub(crate) fn understand(spec: &Spec, asked: Asked) -> Result<Action, Told> {
    match asked {
        Asked::Action(action) => take_defaults(spec, &action).map(|()| action),
        Asked::Words { program, words } => match by_name(spec, &words) {
            Some(action) => Ok(action),
            None => line::parse(spec, program.as_deref(), &words),
        },
    }
}

/// The action, where its name is all that was said, and it has no flags that must be given.
fn by_name(spec: &Spec, words: &[OsString]) -> Option<Action> {
    let [word] = words else { return None };
    let name = word.to_str()?;
    if spec.flags.is_some() && takes_flags(name) {
        return None;
    }
    Some(match name {
        "start" => Action::Start(StartOptions::default()),
        "stop" => Action::Stop(StopOptions::default()),
        "restart" => Action::Restart(StartOptions::default(), StopOptions::default()),
        "reload" => Action::Reload,
        "status" => Action::Status(StatusOptions::default()),
        "run" => Action::Run,
        word if spec.verbs().any(|verb| verb == word) => order(word, OrderOptions::default())?,
        own => Action::Custom(spec.actions.iter().find(|action| action.name == own)?.name.clone()),
    })
}

/// What is asked of a repeating daemon by this name, if anything is.
pub(crate) fn order(word: &str, options: OrderOptions) -> Option<Action> {
    Some(match Order::named(word)? {
        Order::RunNow => Action::RunNow(options),
        Order::Pause => Action::Pause(options),
        Order::Resume => Action::Resume(options),
    })
}

/// The words of a command line may say it; an action that is given as a value does not.
fn take_defaults(spec: &Spec, action: &Action) -> Result<(), Told> {
    match (&spec.flags, action) {
        (Some(flags), Action::Start(_) | Action::Restart(..) | Action::Run) => {
            flags.take_defaults().map_err(|text| Told::mistake(&text))
        }
        _ => Ok(()),
    }
}

/// Whether the worker's own flags are also this action's.
pub(crate) fn takes_flags(verb: &str) -> bool {
    ["start", "restart", "run"].contains(&verb)
}

/// What the program is called in usage and help.
pub(crate) fn program_name(spec: &Spec, program: Option<&OsStr>) -> String {
    let name = program.and_then(|path| Path::new(path).file_name());
    name.map_or_else(|| spec.display_name(), |name| name.to_string_lossy().into_owned())
}

/// What stands in the help of an action that every daemon has.
pub(crate) fn about(verb: &str) -> &'static str {
    match verb {
        "start" => "Start the daemon, and tell how that came out",
        "stop" => "Stop the daemon, and wait until it is gone",
        "restart" => "Stop the daemon if it runs, then start it",
        "reload" => "Have the daemon read its configuration again (SIGHUP)",
        "status" => "Tell whether the daemon runs",
        "run-now" => "Have it begin a tick at once, and tell how that came out",
        "pause" => "Have no tick begin by itself, until `resume`; one that runs goes on",
        "resume" => "Have ticks begin again when they are due",
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
    let all: Vec<&str> = spec.verbs().map(|verb| -> &str { verb }).chain(own).collect();
    format!("The actions are {}.\n", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;
    use crate::action::IntoAction;
    use crate::spec::ACTIONS;

    #[test]
    fn every_action_is_known_by_its_name_alone() {
        let spec = Daemon::new(|| {}).action("clear_cache", "Empty it", || {}).instances(2).spec;
        for name in ACTIONS.into_iter().chain(["clear-cache"]) {
            assert!(by_name(&spec, &[name.into()]).is_some(), "{name}");
            assert_eq!(by_name(&spec, &[name.into(), "now".into()]), None, "{name}");
        }
        assert_eq!(by_name(&spec, &["clear_cache".into()]), None);
    }

    #[test]
    fn a_repeating_daemon_takes_orders_unless_the_program_has_an_action_of_that_name() {
        let asked = |daemon: &Daemon, word: &str| by_name(&daemon.spec, &[word.into()]);
        let plain = Daemon::new(|| {});
        let repeating = Daemon::repeat("1s", || {}).action("pause", "Its own", || {});
        for word in ["run-now", "pause", "resume"] {
            assert_eq!(asked(&plain, word), None);
        }
        assert_eq!(asked(&repeating, "run-now"), Some(Action::RunNow(OrderOptions::default())));
        assert_eq!(asked(&repeating, "pause"), Some(Action::Custom("pause".into())));
    }

    #[test]
    fn an_action_given_as_such_needs_no_understanding() {
        let asked = Action::Reload.into_action();
        assert_eq!(understand(&Daemon::new(|| {}).spec, asked).ok(), Some(Action::Reload));
    }
}
