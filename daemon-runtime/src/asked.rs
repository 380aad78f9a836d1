//! What was asked -> Action. A name is understood here; a command line that says more is for cli.rs.

#[cfg(not(feature = "manual"))]
mod manual;
#[cfg(not(feature = "cli"))]
mod plain;

use std::ffi::{OsStr, OsString};

use crate::action::{Action, Asked, LogsOptions, OrderOptions, StartOptions, StatusOptions, StopOptions, UnitOptions};
#[cfg(feature = "cli")]
use crate::cli as line;
#[cfg(feature = "manual")]
use crate::cli::manual;
use crate::spec::{LOGS, Spec, UNIT};
use crate::verbs::{Told, order, tells_of_flags};
#[cfg(not(feature = "cli"))]
use plain as line;

/// Understands what was asked. What it says of an instance and of the worker's flags goes into the spec.
pub(crate) fn understand(spec: &Spec, asked: Asked) -> Result<Action, Told> {
    match asked {
        Asked::Action(action) => take_defaults(spec, &action).and_then(|()| manual::told(spec, None, action)),
        Asked::Words { program, words } => match by_name(spec, &words) {
            Some(action) => Ok(action),
            None => read(spec, program.as_deref(), &words),
        },
    }
}

fn read(spec: &Spec, program: Option<&OsStr>, words: &[OsString]) -> Result<Action, Told> {
    manual::check(spec, words)?;
    line::parse(spec, program, words).and_then(|action| manual::told(spec, program, action))
}

/// The action, where its name is all that was said, and it has no flags that must be given.
fn by_name(spec: &Spec, words: &[OsString]) -> Option<Action> {
    let [word] = words else { return None };
    let name = word.to_str()?;
    if spec.flags.is_some() && tells_of_flags(name) {
        return None;
    }
    Some(match name {
        "start" => Action::Start(StartOptions::default()),
        "stop" => Action::Stop(StopOptions::default()),
        "restart" => Action::Restart(StartOptions::default(), StopOptions::default()),
        "reload" => Action::Reload,
        "status" => Action::Status(StatusOptions::default()),
        "run" => Action::Run,
        word if spec.verbs().all(|verb| verb != word) => {
            Action::Custom(spec.actions.iter().find(|action| action.name == word)?.name.clone())
        }
        LOGS => Action::Logs(LogsOptions::default()),
        UNIT => Action::Unit(UnitOptions::default()),
        word => order(word, OrderOptions::default())?,
    })
}

/// The words of a command line may say it; an action that is given as a value does not.
fn take_defaults(spec: &Spec, action: &Action) -> Result<(), Told> {
    match (&spec.flags, action) {
        (Some(flags), Action::Start(_) | Action::Restart(..) | Action::Run | Action::RunOnce) => {
            flags.take_defaults().map_err(|text| Told::mistake(&text))
        }
        _ => Ok(()),
    }
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
        for name in ACTIONS.into_iter().chain([LOGS, UNIT, "clear-cache"]) {
            assert!(by_name(&spec, &[name.into()]).is_some(), "{name}");
            assert_eq!(by_name(&spec, &[name.into(), "now".into()]), None, "{name}");
        }
        assert_eq!(by_name(&spec, &["clear_cache".into()]), None);
    }

    #[test]
    fn a_repeating_daemon_takes_orders_unless_the_program_has_an_action_of_that_name() {
        let asked = |daemon: &Daemon, word: &str| by_name(&daemon.spec, &[word.into()]);
        let plain = Daemon::new(|| {});
        let repeating = Daemon::repeat("1s", || {}).action("pause", "Its own", || {}).action("unit", "Its own", || {});
        let repeating = repeating.action("logs", "Its own", || {});
        for word in ["run-now", "pause", "resume"] {
            assert_eq!(asked(&plain, word), None);
        }
        assert_eq!(asked(&repeating, "run-now"), Some(Action::RunNow(OrderOptions::default())));
        assert_eq!(asked(&repeating, "pause"), Some(Action::Custom("pause".into())));
        assert_eq!(asked(&repeating, "unit"), Some(Action::Custom("unit".into())));
        assert_eq!(asked(&repeating, "logs"), Some(Action::Custom("logs".into())));
    }

    #[test]
    fn an_action_given_as_such_needs_no_understanding() {
        let asked = Action::Reload.into_action();
        assert_eq!(understand(&Daemon::new(|| {}).spec, asked).ok(), Some(Action::Reload));
    }
}
