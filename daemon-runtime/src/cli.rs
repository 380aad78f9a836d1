//! argv -> Action. The only file that knows clap.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::action::{Action, Asked, StartOptions, StatusOptions, StopOptions, fields};
use crate::spec::Spec;

/// The command line asks for nothing that can be done: help, a version, or a mistake with its usage.
#[derive(Debug)]
pub(crate) struct Told {
    /// The text, with its colours.
    pub(crate) text: String,
    /// 0 for help and version, which belong on stdout; 2 for a mistake.
    pub(crate) code: u8,
}

/// Told to whoever names another one; clap only tells the nearest.
const ACTIONS: [&str; 6] = ["start", "stop", "restart", "reload", "status", "run"];

/// Understands what was asked.
pub(crate) fn parse(spec: &Spec, asked: Asked) -> Result<Action, Told> {
    let (program, words) = match asked {
        Asked::Action(action) => return Ok(action),
        Asked::Words { program, words } => (program, words),
    };
    let program =
        program.as_deref().and_then(|path| Path::new(path).file_name()).map(|n| n.to_string_lossy().into_owned());
    let command = command(spec, program.unwrap_or_else(|| spec.display_name()));
    let line = std::iter::once(OsString::new()).chain(words);
    match command.try_get_matches_from(line) {
        Ok(matches) => Ok(action(&matches)),
        Err(error) => Err(told(&error)),
    }
}

fn told(error: &clap::Error) -> Told {
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    let mut text = error.render().ansi().to_string();
    if error.kind() == ErrorKind::InvalidSubcommand {
        text.extend(["The actions are ", &ACTIONS.join(", "), ".\n"]);
    }
    Told { text, code }
}

fn command(spec: &Spec, program: String) -> Command {
    let mut command = Command::new(program.clone())
        .bin_name(program)
        .subcommand_required(true)
        .arg_required_else_help(false)
        .subcommand_value_name("ACTION")
        .subcommand_help_heading("Actions")
        .disable_help_subcommand(false)
        .subcommands([start(), stop(), restart(), reload(), status(), run()]);
    if let Some(about) = &spec.about {
        let first = about.split("\n\n").next().unwrap_or(about);
        command = command.about(first.trim().to_owned()).long_about(about.trim().to_owned());
    }
    match &spec.version {
        Some(version) => command.version(version.clone()),
        None => command,
    }
}

fn start() -> Command {
    Command::new("start").about("Start the daemon, and tell how that came out").args([foreground(), timeout("start")])
}

fn stop() -> Command {
    Command::new("stop").about("Stop the daemon, and wait until it is gone").args([force(), timeout("stop")])
}

fn restart() -> Command {
    let args = [foreground(), force(), timeout("stop, and then how long for the start")];
    Command::new("restart").about("Stop the daemon if it runs, then start it").args(args)
}

fn reload() -> Command {
    Command::new("reload").about("Have the daemon read its configuration again (SIGHUP)")
}

fn status() -> Command {
    let json = Arg::new("json").long("json").help("Print one JSON object").action(ArgAction::SetTrue);
    let known: Vec<_> = fields::names().collect();
    let fields = Arg::new("fields")
        .long("fields")
        .value_name("FIELD,...")
        .help("Tell these fields only")
        .value_delimiter(',')
        .action(ArgAction::Append)
        .value_parser(known);
    Command::new("status").about("Tell whether the daemon runs").args([json, fields])
}

fn run() -> Command {
    Command::new("run").about("Do the daemon's work in the foreground, for service managers and containers")
}

fn foreground() -> Arg {
    Arg::new("foreground").long("foreground").help("Do not detach").action(ArgAction::SetTrue)
}

fn force() -> Arg {
    let help = "Kill it, with its whole session, if it has not stopped in time";
    Arg::new("force").long("force").help(help).action(ArgAction::SetTrue)
}

fn timeout(what: &str) -> Arg {
    Arg::new("timeout")
        .long("timeout")
        .value_name("DURATION")
        .help(format!("How long to wait for the {what}, like 5s or 1m 30s; a plain number means seconds"))
        .value_parser(duration)
}

fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string());
    }
    humantime::parse_duration(text).map_err(|e| e.to_string())
}

fn action(matches: &ArgMatches) -> Action {
    match matches.subcommand() {
        Some(("start", args)) => Action::Start(start_options(args)),
        Some(("stop", args)) => Action::Stop(stop_options(args)),
        Some(("restart", args)) => Action::Restart(start_options(args), stop_options(args)),
        Some(("reload", _)) => Action::Reload,
        Some(("status", args)) => Action::Status(status_options(args)),
        // clap has refused everything else: an action is required, and there is no other one.
        _ => Action::Run,
    }
}

fn start_options(args: &ArgMatches) -> StartOptions {
    StartOptions { foreground: args.get_flag("foreground"), timeout: args.get_one("timeout").copied() }
}

fn stop_options(args: &ArgMatches) -> StopOptions {
    StopOptions { timeout: args.get_one("timeout").copied(), force: args.get_flag("force") }
}

fn status_options(args: &ArgMatches) -> StatusOptions {
    let fields = args.get_many::<String>("fields").into_iter().flatten().cloned().collect();
    StatusOptions { json: args.get_flag("json"), fields }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;
    use crate::action::IntoAction;

    fn parsed(line: &str) -> Result<Action, Told> {
        let words = line.split_whitespace().map(OsString::from).collect();
        parse(&Daemon::new(|| {}).name("foo").about("Serves.\n\nIn full.").spec, Asked::Words { program: None, words })
    }

    #[test]
    fn the_command_line_is_sound() {
        command(&Daemon::new(|| {}).spec, "x".into()).debug_assert();
    }

    #[test]
    fn every_action_is_understood_with_its_flags() {
        let second = Some(Duration::from_secs(1));
        let start = StartOptions { foreground: true, timeout: second };
        let stop = StopOptions { timeout: second, force: true };
        assert_eq!(parsed("start --foreground --timeout 1s").ok(), Some(Action::Start(start.clone())));
        assert_eq!(parsed("stop --timeout=1 --force").ok(), Some(Action::Stop(stop.clone())));
        assert_eq!(parsed("restart --foreground --force --timeout 1000ms").ok(), Some(Action::Restart(start, stop)));
        assert_eq!(parsed("reload").ok(), Some(Action::Reload));
        assert_eq!(parsed("run").ok(), Some(Action::Run));
        let fields = vec!["pid".to_owned(), "name".to_owned()];
        assert_eq!(
            parsed("status --json --fields pid,name").ok(),
            Some(Action::Status(StatusOptions { json: true, fields }))
        );
    }

    #[test]
    fn no_or_an_unknown_action_is_answered_with_the_usage_and_2() {
        for line in ["", "banana", "start now"] {
            let told = parsed(line).expect_err(line);
            assert_eq!(told.code, 2, "{line}");
            assert!(told.text.contains("Usage:"), "{line}: {}", told.text);
        }
    }

    #[test]
    fn a_value_that_cannot_be_is_answered_with_its_reason_and_2() {
        for (line, reason) in [("stop --timeout soon", "soon"), ("status --fields colour", "memory_percent")] {
            let told = parsed(line).expect_err(line);
            assert!(told.code == 2 && told.text.contains(reason), "{line}: {}", told.text);
        }
    }

    #[test]
    fn help_is_no_mistake_and_has_the_doc_comment() {
        let told = parsed("--help").expect_err("help");
        assert!(told.code == 0 && told.text.contains("In full."), "{}", told.text);
    }

    #[test]
    fn an_action_given_as_such_needs_no_understanding() {
        let asked = Action::Reload.into_action();
        assert_eq!(parse(&Daemon::new(|| {}).spec, asked).ok(), Some(Action::Reload));
    }
}
