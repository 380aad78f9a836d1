//! What describes the command line to others: the completions of shells, and the manual page.

mod page;
mod sections;

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgMatches, Command};
use clap_complete::aot::{Bash, Fish, Generator, Zsh, generate};

use super::{check_flags, whole};
use crate::action::{Action, Shell};
use crate::spec::Spec;
use crate::verbs::{Told, about, called_as};

/// As [`MANUAL`](crate::spec::MANUAL) has it.
const COMPLETIONS: &str = "completions";

/// A name without a dash, for the script for bash.
const PLAIN: &str = "program";

/// With more instances than this, their numbers are not offered one by one.
const OFFERED: u32 = 100;

/// Their place on the command line.
pub(super) fn commands(spec: &Spec) -> impl Iterator<Item = Command> {
    spec.manual().map(|word| {
        let command = Command::new(word).about(about(word));
        if word == COMPLETIONS { command.arg(shell()) } else { command }
    })
}

fn shell() -> Arg {
    let values = Shell::ALL.map(|shell| PossibleValue::new(shell.word()));
    let parser = PossibleValuesParser::new(values)
        .try_map(|word| Shell::ALL.into_iter().find(|shell| shell.word() == word).ok_or("no such shell is known"));
    Arg::new("shell").value_name("SHELL").help("Of which shell").required(true).value_parser(parser)
}

/// What was asked for by this word, if it is one of these and not the program's own.
pub(super) fn action(spec: &Spec, word: &str, args: &ArgMatches) -> Option<Action> {
    match spec.manual().find(|known| *known == word)? {
        COMPLETIONS => args.get_one("shell").copied().map(Action::Completions),
        _ => Some(Action::Man),
    }
}

/// Every word may be asked for.
#[allow(clippy::unnecessary_wraps, reason = "as where the feature `manual` is missing")]
pub(crate) fn check(_: &Spec, _: &[OsString]) -> Result<(), Told> {
    Ok(())
}

/// The text, where one of these was asked for; every other action is still to be done.
pub(crate) fn told(spec: &Spec, program: Option<&OsStr>, action: Action) -> Result<Action, Told> {
    let text = match action {
        Action::Completions(shell) => completions(spec, shell, &called_as(program)),
        Action::Man => man(spec, &called_as(program)),
        other => return Ok(other),
    };
    Err(text.map_or_else(|reason| Told::mistake(&reason), |text| Told { text, code: 0 }))
}

/// The script by which a shell completes the command line of a program of this name.
pub(crate) fn completions(spec: &Spec, shell: Shell, program: &str) -> Result<String, String> {
    check_program(program)?;
    check_flags(spec)?;
    Ok(match shell {
        Shell::Bash => named(&script(spec, Bash, PLAIN), program),
        Shell::Zsh => script(spec, Zsh, program),
        Shell::Fish => script(spec, Fish, program) + &without_files(spec, program),
    })
}

fn script(spec: &Spec, generator: impl Generator, program: &str) -> String {
    let mut command = offering_words(spec, offering_instances(spec, whole(spec, program.to_owned())));
    let mut script = Vec::new();
    generate(generator, &mut command, program, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The script for bash with the program's name in place of the plain one: what stands within the function are labels that only
/// it knows, and `clap_complete` makes those of a name with a dash in two ways that never meet.
fn named(script: &str, program: &str) -> String {
    let function = format!("_{}", program.replace('-', "__"));
    script
        .replace(&format!("_{PLAIN}() {{"), &format!("{function}() {{"))
        .replace(&format!("complete -F _{PLAIN} "), &format!("complete -F {function} "))
        .replace(&format!(" -o default {PLAIN}\n"), &format!(" -o default {program}\n"))
}

/// What fish must be told where no operand is taken: that a file is none either.
fn without_files(spec: &Spec, program: &str) -> String {
    let command = whole(spec, program.to_owned());
    let takes_operand = |action: &Command| action.get_positionals().any(|arg| !arg.is_last_set());
    let without = command.get_subcommands().filter(|action| !takes_operand(action));
    let words: Vec<_> = without.map(Command::get_name).collect();
    format!("complete -c {program} -n \"__fish_seen_subcommand_from {}\" -f\n", words.join(" "))
}

/// The manual page of a program of this name, for man(1).
pub(crate) fn man(spec: &Spec, program: &str) -> Result<String, String> {
    check_program(program)?;
    check_flags(spec)?;
    page::page(spec, program)
}

// It becomes part of a script that a shell reads, and of names of functions there.
fn check_program(program: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if !program.is_empty() && !program.starts_with('-') && program.chars().all(is_plain) {
        return Ok(());
    }
    Err(format!(
        "a shell cannot know the program by the name {program:?}: call it by one of letters, digits, `-`, `_`, `.` and `+`"
    ))
}

/// Numbers have bounds for who reads the command line, and are values to choose from for who completes it.
fn offering_instances(spec: &Spec, command: Command) -> Command {
    let Some(count) = spec.instances.filter(|count| *count <= OFFERED) else { return command };
    let numbers = (0..count).map(|number| PossibleValue::new(number.to_string()));
    let parser = PossibleValuesParser::new(numbers);
    let takes_instance = |verb: &Command| verb.get_arguments().any(|arg| arg.get_id() == "instance");
    command.mut_subcommands(move |verb| {
        let offered = takes_instance(&verb).then(|| parser.clone());
        offered.map_or(verb.clone(), |parser| verb.mut_arg("instance", |arg| arg.value_parser(parser)))
    })
}

/// Words that stand alone are offered by fish where they are subcommands only; and of those of `help`, which clap would add by
/// itself, never where one of them is `help`.
fn offering_words(spec: &Spec, command: Command) -> Command {
    let words =
        |of: &str, words: Vec<Command>| Command::new(of.to_owned()).disable_help_subcommand(true).subcommands(words);
    let actions = command.get_subcommands().map(|action| {
        Command::new(action.get_name().to_owned()).about(action.get_about().cloned().unwrap_or_default())
    });
    let help = words("help", actions.collect()).about("Print what an action does");
    let command = command.disable_help_subcommand(true).subcommand(help);
    if spec.manual().all(|word| word != COMPLETIONS) {
        return command;
    }
    command.mut_subcommand(COMPLETIONS, |completions| {
        let described = |shell: Shell| Command::new(shell.word()).about(format!("The script for {}", shell.word()));
        let shells = Shell::ALL.map(described).to_vec();
        words(COMPLETIONS, shells).about(completions.get_about().cloned().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;
    use crate::cli::parse;

    fn asked(daemon: &Daemon, line: &str) -> Result<Action, Told> {
        let words: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        parse(&daemon.spec, None, &words)
    }

    #[test]
    fn its_words_are_understood_unless_the_program_has_an_action_of_that_name() {
        let plain = Daemon::new(|| {});
        assert_eq!(asked(&plain, "completions fish").ok(), Some(Action::Completions(Shell::Fish)));
        assert_eq!(asked(&plain, "man").ok(), Some(Action::Man));
        for line in ["completions", "completions tcsh", "man 8"] {
            assert_eq!(asked(&plain, line).expect_err(line).code, 2, "{line}");
        }
        let own = Daemon::new(|| {}).action("man", "Its own", || {}).action("completions", "Its own", || {});
        assert_eq!(asked(&own, "man").ok(), Some(Action::Custom("man".into())));
        assert_eq!(asked(&own, "completions").ok(), Some(Action::Custom("completions".into())));
    }

    #[test]
    fn every_shell_is_told_every_action_option_and_value() {
        let daemon = Daemon::repeat("1s", || {}).instances(3).action("clear_cache", "Empty it", || {});
        for shell in Shell::ALL {
            let script = completions(&daemon.spec, shell, "x").expect("a script");
            let words = ["run-now", "clear-cache", "foreground", "status_text", "completions", "0", "1", "2"];
            for word in words {
                assert!(script.contains(word), "{shell:?}: {word}");
            }
        }
    }

    #[test]
    fn no_plain_name_is_left_where_bash_knows_the_program_by_its_own() {
        let script = completions(&Daemon::new(|| {}).spec, Shell::Bash, "my-prog").expect("a script");
        assert!(script.starts_with("_my__prog() {\n"), "{script}");
        let told: Vec<_> = script.lines().filter(|line| line.trim().starts_with("complete -F ")).collect();
        assert!(
            told.len() == 2 && told.iter().all(|line| line.trim().starts_with("complete -F _my__prog ")),
            "{told:?}"
        );
        assert!(told.iter().all(|line| line.ends_with(" -o default my-prog")), "{told:?}");
    }

    #[test]
    fn a_name_that_a_shell_would_read_otherwise_is_refused() {
        let daemon = Daemon::new(|| {});
        for name in ["", "a b", "$(x)", "a;b", "a'b", "-x", "\u{e4}"] {
            assert!(completions(&daemon.spec, Shell::Bash, name).is_err(), "{name}");
            assert!(man(&daemon.spec, name).is_err(), "{name}");
        }
        assert!(completions(&daemon.spec, Shell::Bash, "a-b_c.d+e2").is_ok());
    }
}
