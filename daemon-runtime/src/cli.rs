//! argv -> Action, of a command line that says more than an action's name. With what stands in `cli/`, the only file that knows clap.

mod logs;
#[cfg(feature = "manual")]
pub(crate) mod manual;
mod unit;

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use crate::action::{Action, OrderOptions, StartOptions, StatusOptions, StopOptions, fields};
use crate::spec::flags::Flags;
use crate::spec::{CustomAction, LOGS, Spec, UNIT};
use crate::verbs::{self, Told};

/// Understands what was asked. What it says of an instance and of the worker's flags goes into the spec.
///
/// Most command lines are right, and then only the action that is named must be described to clap. What is wrong, or asks for
/// help, is answered with all of the actions in view.
pub(crate) fn parse(spec: &Spec, program: Option<&OsStr>, words: &[OsString]) -> Result<Action, Told> {
    check_flags(spec).map_err(|reason| Told::mistake(&reason))?;
    let program = verbs::program_name(spec, program);
    let named = words.first().and_then(|word| spec.verbs().find(|verb| word == verb)).and_then(verb);
    let known = named.map(|verb| top(program.clone()).subcommand(of(spec, verb)));
    if let Some(Ok(action)) = known.map(|command| read(spec, command, words)) {
        return Ok(action);
    }
    read(spec, whole(spec, program), words).map_err(|error| told(spec, &error))
}

fn read(spec: &Spec, mut command: Command, words: &[OsString]) -> Result<Action, clap::Error> {
    let matches = command.try_get_matches_from_mut(std::iter::once(&OsString::new()).chain(words))?;
    take_flags(spec, &matches).map_err(|error| error.with_cmd(&command))?;
    let action = action(spec, &matches);
    match &action {
        Action::Unit(options) => unit::check_flags(spec, command.get_name(), &options.flags).map(|()| action),
        _ => Ok(action),
    }
}

fn check_flags(spec: &Spec) -> Result<(), String> {
    match spec.flags.as_ref().and_then(|flags| taken_twice(spec, flags)) {
        None => Ok(()),
        Some(flag) => Err(format!("the worker's flag `{flag}` is one of the actions' own; give it another name")),
    }
}

/// A flag of the worker's that `start`, `restart` or `run` has already, if there is one.
fn taken_twice(spec: &Spec, flags: &Flags) -> Option<String> {
    const OURS: [&str; 6] = ["foreground", "debug", "timeout", "force", "instance", "help"];
    let described = (flags.describe)(Command::new(""));
    let longs = described.get_arguments().filter_map(Arg::get_long_and_visible_aliases).flatten();
    let ids = described.get_arguments().map(|arg| arg.get_id().as_str());
    let twice = longs.chain(ids).find(|name| OURS.contains(name) || (*name == "once" && spec.repeats()));
    twice.map(|name| format!("--{name}"))
}

fn take_flags(spec: &Spec, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((verb, args)) = matches.subcommand() else { return Ok(()) };
    if spec.instances.is_some() && spec.verbs().any(|known| known == verb) {
        if let Some(number) = args.get_one::<u32>("instance") {
            spec.instance.set(Some(*number));
        }
    }
    match &spec.flags {
        Some(flags) if verbs::takes_flags(verb) => (flags.take)(args),
        _ => Ok(()),
    }
}

fn told(spec: &Spec, error: &clap::Error) -> Told {
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    let mut text = error.render().ansi().to_string();
    if error.kind() == ErrorKind::InvalidSubcommand {
        // clap only tells the nearest.
        text.push_str(&verbs::all_actions(spec));
    }
    Told { text, code }
}

/// The command without its actions.
fn top(program: String) -> Command {
    Command::new(program.clone())
        .bin_name(program)
        .subcommand_required(true)
        .arg_required_else_help(false)
        .subcommand_value_name("ACTION")
        .subcommand_help_heading("Actions")
        .disable_help_subcommand(false)
}

fn whole(spec: &Spec, program: String) -> Command {
    let command = top(program)
        .subcommands(spec.verbs().filter_map(verb).map(|verb| of(spec, verb)))
        .subcommands(spec.actions.iter().map(custom));
    #[cfg(feature = "manual")]
    let command = command.subcommands(manual::commands(spec));
    let command = match &spec.about {
        Some(about) => command.about(verbs::first_paragraph(about).to_owned()).long_about(about.trim().to_owned()),
        None => command,
    };
    match &spec.version {
        Some(version) => command.version(version.clone()),
        None => command,
    }
}

/// A verb with what this daemon adds to it.
fn of(spec: &Spec, verb: Command) -> Command {
    let name = verb.get_name().to_owned();
    let verb = match &spec.flags {
        Some(flags) if verbs::takes_flags(&name) => with_flags(flags, verb),
        _ => verb,
    };
    let verb = if name == "run" && spec.repeats() { verb.arg(once()) } else { verb };
    match spec.instances {
        Some(count) if spec.verbs().any(|known| known == name) => verb.arg(instance(count)),
        _ => verb,
    }
}

/// The flags bring the doc comment of their type along, which says nothing of the action.
fn with_flags(flags: &Flags, verb: Command) -> Command {
    let about = verb.get_about().cloned().unwrap_or_default();
    (flags.describe)(verb).about(about).long_about(None::<&str>)
}

fn custom(action: &CustomAction) -> Command {
    let about = action.about().trim();
    Command::new(action.name.clone()).about(verbs::first_paragraph(about).to_owned()).long_about(about.to_owned())
}

fn instance(count: u32) -> Arg {
    Arg::new("instance")
        .long("instance")
        .value_name("N")
        .help(format!("Only this one of the {count} instances, from 0"))
        .value_parser(clap::value_parser!(u32).range(0..i64::from(count)))
}

/// One of the actions that every daemon has.
fn verb(name: &str) -> Option<Command> {
    let args = match name {
        "start" => vec![foreground(), timeout("start")],
        "stop" => vec![force(), timeout("stop")],
        "restart" => vec![foreground(), force(), timeout("stop, and then how long for the start")],
        "status" => vec![json(), fields(), ready(), watch()],
        LOGS => logs::args(),
        "run-now" => vec![timeout("end of the tick")],
        "pause" | "resume" => vec![timeout("answer")],
        UNIT => unit::args(),
        "reload" | "run" => Vec::new(),
        _ => return None,
    };
    Some(Command::new(name.to_owned()).about(verbs::about(name)).args(args))
}

fn once() -> Arg {
    let help =
        "Do one tick, at once, and end with its exit code; where the daemon runs, nothing is done, with a warning";
    Arg::new("once").long("once").help(help).action(ArgAction::SetTrue)
}

fn json() -> Arg {
    Arg::new("json").long("json").help("Print one JSON object").action(ArgAction::SetTrue)
}

fn fields() -> Arg {
    let known: Vec<_> = fields::names().collect();
    Arg::new("fields")
        .long("fields")
        .value_name("FIELD,...")
        .help("Tell these fields only")
        .value_delimiter(',')
        .action(ArgAction::Append)
        .value_parser(known)
}

fn ready() -> Arg {
    let help = "Tell whether it is ready: while it starts, the exit code is 3";
    Arg::new("ready").long("ready").help(help).action(ArgAction::SetTrue)
}

fn watch() -> Arg {
    Arg::new("watch")
        .long("watch")
        .value_name("INTERVAL")
        .help("Show it again and again, every second or so often, until `q`")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("1s")
        .value_parser(duration)
        .value_hint(ValueHint::Other)
        .conflicts_with_all(["json", "fields", "ready"])
        // It is known all the same, so that it is refused by the name of what is missing.
        .hide(!cfg!(feature = "watch"))
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
        .value_hint(ValueHint::Other)
}

fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string());
    }
    humantime::parse_duration(text).map_err(|e| e.to_string())
}

fn action(spec: &Spec, matches: &ArgMatches) -> Action {
    match matches.subcommand() {
        Some(("start", args)) => Action::Start(start_options(args)),
        Some(("stop", args)) => Action::Stop(stop_options(args)),
        Some(("restart", args)) => Action::Restart(start_options(args), stop_options(args)),
        Some(("reload", _)) => Action::Reload,
        Some(("status", args)) => Action::Status(status_options(args)),
        Some(("run", args)) if spec.repeats() && args.get_flag("once") => Action::RunOnce,
        Some(("run", _)) | None => Action::Run,
        Some((LOGS, args)) if spec.verbs().any(|verb| verb == LOGS) => Action::Logs(logs::options(args)),
        Some((UNIT, args)) if spec.verbs().any(|verb| verb == UNIT) => Action::Unit(unit::options(args)),
        // clap has refused every action that there is not.
        Some((word, args)) => {
            let order =
                spec.verbs().find(|verb| *verb == word).and_then(|word| verbs::order(word, order_options(args)));
            #[cfg(feature = "manual")]
            let order = order.or_else(|| manual::action(spec, word, args));
            order.unwrap_or_else(|| Action::Custom(word.to_owned()))
        }
    }
}

fn start_options(args: &ArgMatches) -> StartOptions {
    StartOptions { foreground: args.get_flag("foreground"), timeout: args.get_one("timeout").copied() }
}

fn stop_options(args: &ArgMatches) -> StopOptions {
    StopOptions { timeout: args.get_one("timeout").copied(), force: args.get_flag("force") }
}

fn order_options(args: &ArgMatches) -> OrderOptions {
    OrderOptions { timeout: args.get_one("timeout").copied() }
}

fn status_options(args: &ArgMatches) -> StatusOptions {
    let fields = args.get_many::<String>("fields").into_iter().flatten().cloned().collect();
    StatusOptions {
        json: args.get_flag("json"),
        fields,
        watch: args.get_one("watch").copied(),
        ready: args.get_flag("ready"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;

    fn parsed(line: &str) -> Result<Action, Told> {
        let words: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        parse(&Daemon::new(|| {}).name("foo").about("Serves.\n\nIn full.").spec, None, &words)
    }

    #[test]
    fn the_command_line_is_sound() {
        whole(&Daemon::new(|| {}).spec, "x".into()).debug_assert();
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
        let ready = StatusOptions { ready: true, ..StatusOptions::default() };
        assert_eq!(parsed("status --ready").ok(), Some(Action::Status(ready)));
        let fields = vec!["pid".to_owned(), "name".to_owned()];
        assert_eq!(
            parsed("status --json --fields pid,name").ok(),
            Some(Action::Status(StatusOptions { json: true, fields, ..StatusOptions::default() }))
        );
    }

    #[test]
    fn a_view_is_renewed_every_second_or_as_often_as_is_said_and_is_no_json() {
        let watch = |every| Some(Action::Status(StatusOptions { watch: Some(every), ..StatusOptions::default() }));
        assert_eq!(parsed("status --watch").ok(), watch(Duration::from_secs(1)));
        assert_eq!(parsed("status --watch=250ms").ok(), watch(Duration::from_millis(250)));
        for line in [
            "status --watch 2s",
            "status --watch=soon",
            "status --watch --json",
            "status --watch --fields pid",
            "status --watch --ready",
        ] {
            assert_eq!(parsed(line).expect_err(line).code, 2);
        }
    }

    #[test]
    fn what_is_asked_of_a_repeating_daemon_takes_a_timeout() {
        let daemon = Daemon::repeat("1s", || {});
        let asked = |line: &str| {
            let words: Vec<_> = line.split_whitespace().map(OsString::from).collect();
            parse(&daemon.spec, None, &words)
        };
        let options = || OrderOptions { timeout: Some(Duration::from_secs(2)) };
        assert_eq!(asked("run-now --timeout 2s").ok(), Some(Action::RunNow(options())));
        assert_eq!(asked("pause --timeout 2").ok(), Some(Action::Pause(options())));
        assert_eq!(asked("resume --timeout 2s").ok(), Some(Action::Resume(options())));
        whole(&daemon.spec, "x".into()).debug_assert();
        assert_eq!(parsed("pause").expect_err("unknown").code, 2);
    }

    #[test]
    fn an_action_of_the_programs_own_is_known_by_its_name_with_dashes() {
        let daemon = Daemon::new(|| {}).action("clear_cache", "Empty it", || {});
        let asked = |word: &str| parse(&daemon.spec, None, &[word.into()]);
        assert_eq!(asked("clear-cache").ok(), Some(Action::Custom("clear-cache".into())));
        let told = asked("--help").expect_err("help").text;
        assert!(told.contains("clear-cache") && told.contains("Empty it"), "{told}");
        assert!(asked("nothing").expect_err("unknown").text.contains("run, logs, unit, clear-cache"));
    }

    #[test]
    fn one_of_several_instances_is_chosen_by_its_number() {
        let daemon = Daemon::new(|| {}).instances(3);
        let asked = |line: &str| {
            let words: Vec<_> = line.split_whitespace().map(OsString::from).collect();
            parse(&daemon.spec, None, &words)
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
}
