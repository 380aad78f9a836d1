//! The flags of `logs`.

use clap::{Arg, ArgAction, ArgMatches, ValueHint};

use crate::action::{Lines, LogsOptions};

/// Its flags.
pub(super) fn args() -> Vec<Arg> {
    let lines =
        Arg::new("lines").short('n').long("lines").value_name("N").value_hint(ValueHint::Other).value_parser(lines);
    let lines = lines
        .allow_negative_numbers(true)
        .help("The last N lines of each log, by default 10; all from line N on with +N, or all of them with `all`");
    let follow = Arg::new("follow").short('f').long("follow").action(ArgAction::SetTrue);
    let follow = follow.help("Go on with what is written from now on, also when the log is rotated");
    [lines, follow].into_iter().chain(since()).collect()
}

#[cfg(feature = "since")]
fn since() -> Vec<Arg> {
    let help = "Only what was written since then: a time like `2026-11-26 10:00`, or a span back from now like 10m";
    let since = Arg::new("since").long("since").value_name("TIME").value_hint(ValueHint::Other).help(help);
    vec![since.value_parser(crate::action::logs::since::parse)]
}

#[cfg(not(feature = "since"))]
fn since() -> Vec<Arg> {
    let refused = |_: &str| Err::<(), _>("it needs the feature `since` of daemon-runtime");
    vec![Arg::new("since").long("since").value_name("TIME").hide(true).value_parser(refused)]
}

fn lines(text: &str) -> Result<Lines, String> {
    let lines = match text.strip_prefix('+') {
        _ if text == "all" => Some(Lines::From(1)),
        Some(digits) => number(digits).map(Lines::From),
        // tail(1) has `-5` for the last five, too.
        None => number(text.strip_prefix('-').unwrap_or(text)).map(Lines::Last),
    };
    lines.ok_or_else(|| "it is a number, `+` and a number, or `all`".to_owned())
}

/// No log has as many lines as would not fit.
fn number(digits: &str) -> Option<u64> {
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The same, as it was said.
pub(super) fn options(args: &ArgMatches) -> LogsOptions {
    LogsOptions {
        lines: args.get_one("lines").copied(),
        follow: args.get_flag("follow"),
        #[cfg(feature = "since")]
        since: args.get_one("since").copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;
    use crate::action::Action;
    use crate::verbs::Told;

    fn parsed(line: &str) -> Result<Action, Told> {
        let words: Vec<_> = line.split_whitespace().map(std::ffi::OsString::from).collect();
        crate::cli::parse(&Daemon::new(|| {}).spec, None, &words)
    }

    #[test]
    fn logs_are_asked_for_as_tail_is() {
        let asked = |line: &str| parsed(line).ok();
        let lines = |lines| Some(Action::Logs(LogsOptions { lines: Some(lines), ..LogsOptions::default() }));
        assert_eq!(asked("logs -n 5"), lines(Lines::Last(5)));
        assert_eq!(asked("logs -n0"), lines(Lines::Last(0)));
        assert_eq!(asked("logs --lines=+5"), lines(Lines::From(5)));
        assert_eq!(asked("logs -n all"), lines(Lines::From(1)));
        assert_eq!(asked("logs -f"), Some(Action::Logs(LogsOptions { follow: true, ..LogsOptions::default() })));
        assert_eq!(asked("logs -n -5"), lines(Lines::Last(5)));
        assert_eq!(asked("logs -n 99999999999999999999"), lines(Lines::Last(u64::MAX)));
        assert_eq!(asked("logs -n +99999999999999999999"), lines(Lines::From(u64::MAX)));
        for line in ["logs -n", "logs -n few", "logs -n ++5", "logs -n --5", "logs -n +-5", "logs -n +", "logs out"] {
            assert_eq!(parsed(line).expect_err(line).code, 2, "{line}");
        }
        for line in ["logs -n few", "logs -n 1.5", "logs -n -1.5", "logs -n +"] {
            let told = parsed(line).expect_err(line).text;
            assert!(told.contains("it is a number, `+` and a number, or `all`"), "{told}");
        }
        #[cfg(not(feature = "since"))]
        assert!(parsed("logs --since 10m").expect_err("refused").text.contains("feature `since`"));
        #[cfg(feature = "since")]
        assert!(matches!(asked("logs --since 10m"), Some(Action::Logs(LogsOptions { since: Some(_), .. }))));
    }
}
