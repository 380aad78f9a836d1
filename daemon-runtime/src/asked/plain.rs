//! What is answered to a command line that is no action's name, where the feature `cli` is not there to read it.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;

use crate::action::Action;
use crate::spec::Spec;
use crate::verbs::{Told, about, all_actions, first_paragraph, program_name};

/// There is always something to tell: whoever named an action, and nothing else, was understood before.
pub(crate) fn parse(spec: &Spec, program: Option<&OsStr>, words: &[OsString]) -> Result<Action, Told> {
    let program = program_name(spec, program);
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    Err(match words.first().map(AsRef::as_ref) {
        Some("help" | "--help" | "-h") => Told { text: help(spec, &program), code: 0 },
        Some("--version" | "-V") if spec.version.is_some() => Told { text: version(spec, &program), code: 0 },
        None => mistake(spec, &program, "an action is needed"),
        Some(word) if word.starts_with('-') => mistake(spec, &program, &unread(word)),
        Some(word) if !is_action(spec, word) => mistake(spec, &program, &format!("unknown action `{word}`")),
        Some(_) => mistake(spec, &program, &unread(words.get(1).map_or("", AsRef::as_ref))),
    })
}

fn is_action(spec: &Spec, word: &str) -> bool {
    spec.verbs().any(|verb| verb == word) || spec.actions.iter().any(|action| action.name == word)
}

fn unread(word: &str) -> String {
    format!("`{word}` cannot be read: what is said beside an action's name needs the feature `cli` of daemon-runtime")
}

fn mistake(spec: &Spec, program: &str, reason: &str) -> Told {
    let mut told = Told::mistake(reason);
    told.text.extend(["\n", &usage(program), &all_actions(spec)]);
    told
}

fn usage(program: &str) -> String {
    format!("Usage: {program} <ACTION>\n")
}

fn version(spec: &Spec, program: &str) -> String {
    format!("{program} {}\n", spec.version.as_deref().unwrap_or_default())
}

fn help(spec: &Spec, program: &str) -> String {
    let own = spec.actions.iter().map(|action| (action.name.as_str(), action.about()));
    let all: Vec<_> = spec.verbs().map(|verb| (verb, about(verb))).chain(own).collect();
    let width = all.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = spec.about.as_deref().map_or_else(String::new, |about| format!("{}\n\n", about.trim()));
    text.extend([&usage(program), "\nActions:\n"]);
    for (name, about) in all {
        // A String takes whatever is written.
        let _ = writeln!(text, "  {name:width$}  {}", first_paragraph(about));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Daemon;

    fn told(line: &str) -> Told {
        let words: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        let daemon =
            Daemon::new(|| {}).about("Serves.\n\nIn full.").version("1.2").action("clear_cache", "Empty it", || {});
        parse(&daemon.spec, Some("/usr/bin/server".as_ref()), &words).expect_err("told")
    }

    #[test]
    fn no_or_an_unknown_action_is_answered_with_the_usage_and_2() {
        for line in ["", "banana", "start now", "--timeout 5s", "stop --force"] {
            let told = told(line);
            assert_eq!(told.code, 2, "{line}");
            assert!(told.text.contains("Usage: server <ACTION>"), "{line}: {}", told.text);
            assert!(told.text.contains("status, run, logs, unit, clear-cache."), "{line}: {}", told.text);
        }
    }

    #[test]
    fn an_option_is_refused_with_the_feature_that_reads_it() {
        for (line, word) in [("stop --force", "`--force`"), ("--force stop", "`--force`"), ("start now", "`now`")] {
            let told = told(line);
            assert!(told.text.contains(word) && told.text.contains("feature `cli`"), "{line}: {}", told.text);
        }
    }

    #[test]
    fn help_and_version_are_no_mistakes() {
        for line in ["help", "--help", "-h"] {
            let told = told(line);
            assert!(told.code == 0 && told.text.starts_with("Serves.\n\nIn full.\n\nUsage: server"), "{}", told.text);
            assert!(told.text.contains("\n  status       Tell whether"), "{}", told.text);
            assert!(told.text.ends_with("\n  clear-cache  Empty it\n"), "{}", told.text);
        }
        let version = told("--version");
        assert_eq!((version.text.as_str(), version.code), ("server 1.2\n", 0));
    }
}
