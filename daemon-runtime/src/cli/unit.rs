//! The flags of `unit`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, ValueHint};

use super::{duration, of, take_flags, top, verb};
use crate::action::{UnitKind, UnitOptions, UnitScope};
use crate::spec::Spec;

/// Its flags.
pub(super) fn args() -> Vec<Arg> {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).help(help).action(ArgAction::SetTrue);
    let kubernetes = flag("kubernetes", "A manifest for Kubernetes: a Deployment, or a CronJob where that says it all");
    let watchdog = Arg::new("watchdog").long("watchdog").value_name("DURATION").value_parser(duration);
    let output = Arg::new("output").long("output").short('o').value_name("FOLDER").value_hint(ValueHint::DirPath);
    let image = Arg::new("image").long("image").value_name("IMAGE").value_hint(ValueHint::Other);
    let flags = Arg::new("flags").value_name("FLAG").help("The worker's own flags, for `run`").last(true);
    vec![
        flag("timer", "Of a daemon that repeats: a systemd timer, and a service for one tick"),
        kubernetes.conflicts_with_all(["timer", "watchdog", "system", "user"]),
        image.help("The container's image").requires("kubernetes"),
        flag("system", "For the system's systemd; so it is anyway where root asks, or a setting needs root"),
        flag("user", "For the systemd of a user's own").conflicts_with("system"),
        watchdog
            .help("How long it may be without a sign of life (WatchdogSec=), like 10s")
            .value_hint(ValueHint::Other)
            .conflicts_with("timer"),
        output.help("Write the files there instead of printing them").value_parser(clap::value_parser!(PathBuf)),
        flag("force", "Replace files that are there already").requires("output"),
        flags.num_args(0..).value_parser(clap::value_parser!(OsString)),
    ]
}

/// What they ask for.
pub(super) fn options(args: &ArgMatches) -> UnitOptions {
    let kind = match (args.get_flag("timer"), args.get_flag("kubernetes")) {
        (true, _) => UnitKind::Timer,
        (_, true) => UnitKind::Kubernetes,
        _ => UnitKind::Service,
    };
    let scope = match (args.get_flag("system"), args.get_flag("user")) {
        (true, _) => Some(UnitScope::System),
        (_, true) => Some(UnitScope::User),
        _ => None,
    };
    UnitOptions {
        kind,
        scope,
        watchdog: args.get_one("watchdog").copied(),
        image: args.get_one("image").cloned(),
        flags: args.get_many("flags").into_iter().flatten().cloned().collect(),
        output: args.get_one("output").cloned(),
        force: args.get_flag("force"),
    }
}

/// What a unit runs must be understood when it is run.
pub(super) fn check_flags(spec: &Spec, program: &str, flags: &[OsString]) -> Result<(), clap::Error> {
    let Some(run) = verb("run").filter(|_| spec.flags.is_some() || !flags.is_empty()) else { return Ok(()) };
    let mut command = top(program.to_owned()).subcommand(of(spec, run));
    let words = [OsString::new(), "run".into()];
    let matches = command.try_get_matches_from_mut(words.iter().chain(flags))?;
    take_flags(spec, &matches).map_err(|error| error.with_cmd(&command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;
    use crate::action::Action;
    use crate::cli::parse;
    use crate::verbs::Told;
    use std::time::Duration;

    fn asked(line: &str) -> Result<Action, Told> {
        let words: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        parse(&Daemon::new(|| {}).spec, None, &words)
    }

    #[test]
    fn what_a_unit_is_to_be_is_understood_and_one_tick_is_asked_of_who_repeats() {
        let told = |line: &str| match asked(line) {
            Ok(Action::Unit(options)) => options,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(told("unit"), UnitOptions::default());
        assert_eq!(told("unit --timer --user").kind, UnitKind::Timer);
        assert_eq!(told("unit --timer --user").scope, Some(UnitScope::User));
        let whole = told("unit --system --watchdog 10 -o /x --force");
        assert_eq!((whole.scope, whole.watchdog), (Some(UnitScope::System), Some(Duration::from_secs(10))));
        assert_eq!((whole.output, whole.force), (Some("/x".into()), true));
        let kubernetes = told("unit --kubernetes --image x/y:1");
        assert_eq!((kubernetes.kind, kubernetes.image.as_deref()), (UnitKind::Kubernetes, Some("x/y:1")));
        let daemon = Daemon::repeat("1s", || {});
        let once = parse(&daemon.spec, None, &["run".into(), "--once".into()]);
        assert_eq!(once.ok(), Some(Action::RunOnce));
        assert_eq!(asked("run --once").expect_err("unknown").code, 2);
    }
}
