//! argv -> Action. The only file that knows clap.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::action::{Action, Asked, StartOptions, StatusOptions, StopOptions, fields};
use crate::spec::flags::Flags;
use crate::spec::{ACTIONS, CustomAction, Spec};

/// The command line asks for nothing that can be done: help, a version, or a mistake with its usage.
#[derive(Debug)]
pub(crate) struct Told {
    /// The text, with its colours.
    pub(crate) text: String,
    /// 0 for help and version, which belong on stdout; 2 for a mistake.
    pub(crate) code: u8,
}

/// Understands what was asked. What it says of an instance and of the worker's flags goes into the spec.
pub(crate) fn parse(spec: &Spec, asked: Asked) -> Result<Action, Told> {
    let (program, words) = match asked {
        Asked::Action(action) => return take_defaults(spec, &action).map(|()| action),
        Asked::Words { program, words } => (program, words),
    };
    let program =
        program.as_deref().and_then(|path| Path::new(path).file_name()).map(|n| n.to_string_lossy().into_owned());
    if let Some(flag) = spec.flags.as_ref().and_then(taken_twice) {
        let text = format!("error: the worker's flag `{flag}` is one of the actions' own; give it another name\n");
        return Err(Told { text, code: 2 });
    }
    let command = command(spec, program.unwrap_or_else(|| spec.display_name()));
    let line = std::iter::once(OsString::new()).chain(words);
    let understood = command.clone().try_get_matches_from(line).and_then(|matches| {
        take_flags(spec, &matches).map_err(|error| error.with_cmd(&command))?;
        Ok(action(&matches))
    });
    understood.map_err(|error| told(spec, &error))
}

/// A flag of the worker's that `start`, `restart` or `run` has already, if there is one.
fn taken_twice(flags: &Flags) -> Option<String> {
    const OURS: [&str; 6] = ["foreground", "debug", "timeout", "force", "instance", "help"];
    let described = (flags.describe)(Command::new(""));
    let longs = described.get_arguments().filter_map(Arg::get_long_and_visible_aliases).flatten();
    let ids = described.get_arguments().map(|arg| arg.get_id().as_str());
    let twice = longs.chain(ids).find(|name| OURS.contains(name));
    twice.map(|name| format!("--{name}"))
}

/// The words of a command line may say it; an action that is given as a value does not.
fn take_defaults(spec: &Spec, action: &Action) -> Result<(), Told> {
    match (&spec.flags, action) {
        (Some(flags), Action::Start(_) | Action::Restart(..) | Action::Run) => {
            flags.take_defaults().map_err(|text| Told { text: format!("error: {text}\n"), code: 2 })
        }
        _ => Ok(()),
    }
}

fn take_flags(spec: &Spec, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((verb, args)) = matches.subcommand() else { return Ok(()) };
    if spec.instances.is_some() && takes_instance(verb) {
        if let Some(number) = args.get_one::<u32>("instance") {
            spec.instance.set(Some(*number));
        }
    }
    match &spec.flags {
        Some(flags) if takes_flags(verb) => (flags.take)(args),
        _ => Ok(()),
    }
}

fn takes_instance(verb: &str) -> bool {
    ACTIONS.contains(&verb)
}

fn takes_flags(verb: &str) -> bool {
    ["start", "restart", "run"].contains(&verb)
}

fn told(spec: &Spec, error: &clap::Error) -> Told {
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    let mut text = error.render().ansi().to_string();
    if error.kind() == ErrorKind::InvalidSubcommand {
        // clap only tells the nearest.
        let own = spec.actions.iter().map(|action| action.name.as_str());
        let all: Vec<_> = ACTIONS.into_iter().chain(own).collect();
        text.extend(["The actions are ", &all.join(", "), ".\n"]);
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
        .subcommands([start(), stop(), restart(), reload(), status(), run()].map(|verb| of(spec, verb)))
        .subcommands(spec.actions.iter().map(custom));
    if let Some(about) = &spec.about {
        let first = about.split("\n\n").next().unwrap_or(about);
        command = command.about(first.trim().to_owned()).long_about(about.trim().to_owned());
    }
    match &spec.version {
        Some(version) => command.version(version.clone()),
        None => command,
    }
}

/// A verb with what this daemon adds to it.
fn of(spec: &Spec, verb: Command) -> Command {
    let name = verb.get_name().to_owned();
    let verb = match &spec.flags {
        Some(flags) if takes_flags(&name) => with_flags(flags, verb),
        _ => verb,
    };
    match spec.instances {
        Some(count) if takes_instance(&name) => verb.arg(instance(count)),
        _ => verb,
    }
}

/// The flags bring the doc comment of their type along, which says nothing of the action.
fn with_flags(flags: &Flags, verb: Command) -> Command {
    let about = verb.get_about().cloned().unwrap_or_default();
    (flags.describe)(verb).about(about).long_about(None::<&str>)
}

fn custom(action: &CustomAction) -> Command {
    let about = action.about.as_deref().unwrap_or("An action of this program's own").trim();
    let first = about.split("\n\n").next().unwrap_or(about);
    Command::new(action.name.clone()).about(first.to_owned()).long_about(about.to_owned())
}

fn instance(count: u32) -> Arg {
    Arg::new("instance")
        .long("instance")
        .value_name("N")
        .help(format!("Only this one of the {count} instances, from 0"))
        .value_parser(clap::value_parser!(u32).range(0..i64::from(count)))
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
    let foreground = Arg::new("foreground").long("foreground").visible_alias("debug");
    foreground.help("Do not detach").action(ArgAction::SetTrue)
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
        Some(("run", _)) | None => Action::Run,
        // clap has refused every action that there is not.
        Some((own, _)) => Action::Custom(own.to_owned()),
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
    fn an_action_of_the_programs_own_is_known_by_its_name_with_dashes() {
        let daemon = Daemon::new(|| {}).action("clear_cache", "Empty it", || {});
        let asked = |word: &str| parse(&daemon.spec, word.into_action());
        assert_eq!(asked("clear-cache").ok(), Some(Action::Custom("clear-cache".into())));
        let told = asked("--help").expect_err("help").text;
        assert!(told.contains("clear-cache") && told.contains("Empty it"), "{told}");
        assert!(asked("nothing").expect_err("unknown").text.contains("run, clear-cache"));
    }

    #[test]
    fn one_of_several_instances_is_chosen_by_its_number() {
        let daemon = Daemon::new(|| {}).instances(3);
        let asked = |line: &str| {
            let words = line.split_whitespace().map(OsString::from).collect();
            parse(&daemon.spec, Asked::Words { program: None, words })
        };
        assert_eq!(asked("stop --instance 2").ok(), Some(Action::Stop(StopOptions::default())));
        assert_eq!(daemon.spec.instance.get(), Some(2));
        assert_eq!(asked("stop --instance 3").expect_err("refused").code, 2);
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
