//! Signals by name.

use super::Verdict;
use crate::model::literal::Literal;
use crate::model::unknown::{nearest, unknown};

/// The standard signals of Linux, signal(7), without their `SIG`.
const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

/// Words for what a signal can do without a function.
const REACTIONS: &[&str] = &[r#""ignore""#, r#""terminate""#, r#""reopen""#];

/// A signal that asks for the shutdown, as text.
pub(super) fn check(literal: &Literal<'_>) -> Verdict {
    let name = literal.text("expected the name of a signal as a string, as in `\"SIGTERM\"`")?;
    match Kind::of(name) {
        Kind::Uncatchable => Err(format!(
            "{} cannot be caught, so the daemon could not shut down in order: \
             leave that to `stop --force`",
            full(name)
        )),
        Kind::Fault => Err(format!(
            "{} tells of a fault in the program, after which the daemon could not shut down in order",
            full(name)
        )),
        Kind::Usual => Ok(()),
        Kind::Unknown => Err(format!("unknown signal `{name:?}`; {}", hint(name, "\""))),
    }
}

/// The name of a signal that does something, as the builder takes it, or why it cannot do anything.
pub(in super::super) fn named(written: &str) -> Result<String, String> {
    let name = full(written);
    match Kind::of(written) {
        Kind::Uncatchable => Err(format!("{name} cannot be caught, so nothing can be done about it: leave it out")),
        Kind::Fault => Err(format!(
            "{name} tells of a fault in the program, after which nothing could be called in order: leave it out"
        )),
        Kind::Usual => Ok(name),
        Kind::Unknown => Err(format!("unknown signal `{written}`; {}", hint(written, ""))),
    }
}

/// What a signal does, if not a function tells it.
pub(super) fn reaction(literal: &Literal<'_>) -> Verdict {
    match literal {
        Literal::Text(word) if !REACTIONS.contains(&format!("{word:?}").as_str()) => {
            Err(unknown("value", &format!("{word:?}"), REACTIONS) + ", and any function")
        }
        Literal::Text(_) => Ok(()),
        _ => Err("expected a function, `\"ignore\"`, `\"terminate\"` or `\"reopen\"`".to_owned()),
    }
}

/// The name with its `SIG`.
pub(in super::super) fn full(name: &str) -> String {
    format!("SIG{}", without_prefix(name))
}

/// What can be done about a signal.
enum Kind {
    Uncatchable,
    Fault,
    Usual,
    Unknown,
}

impl Kind {
    fn of(name: &str) -> Self {
        match without_prefix(name) {
            "KILL" | "STOP" => Self::Uncatchable,
            "ILL" | "FPE" | "SEGV" | "BUS" => Self::Fault,
            known if SIGNALS.contains(&known) => Self::Usual,
            _ => Self::Unknown,
        }
    }
}

fn without_prefix(name: &str) -> &str {
    name.strip_prefix("SIG").unwrap_or(name)
}

fn hint(name: &str, quote: &str) -> String {
    match nearest(without_prefix(&name.to_uppercase()), SIGNALS) {
        Some(near) => format!("did you mean `{quote}SIG{near}{quote}`?"),
        None => format!("signals are named as in signal(7), as in `{quote}SIGTERM{quote}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::model::rule::{Rule, tests::said};

    #[test]
    fn every_signal_that_can_be_caught_is_taken_with_and_without_its_prefix() {
        for signal in ["SIGTERM", "TERM", "SIGUSR1", "WINCH", "SIGCONT"] {
            assert_eq!(said(&Rule::Signal, &format!("{signal:?}")), None);
        }
    }

    #[test]
    fn signals_that_cannot_be_caught_are_refused() {
        for signal in ["SIGKILL", "KILL", "STOP"] {
            let answer = said(&Rule::Signal, &format!("{signal:?}"));
            assert!(answer.is_some_and(|answer| answer.contains("cannot be caught")), "{signal}");
        }
    }

    #[test]
    fn signals_that_tell_of_a_fault_are_refused() {
        let answer = said(&Rule::Signal, r#""SIGSEGV""#).unwrap_or_default();
        assert!(answer.contains("fault in the program"));
    }

    #[test]
    fn an_unknown_signal_is_answered_with_the_nearest() {
        let answer = |signal| said(&Rule::Signal, signal).unwrap_or_default();
        assert!(answer(r#""SIGTREM""#).ends_with(r#"did you mean `"SIGTERM"`?"#));
        assert!(answer(r#""sigterm""#).ends_with(r#"did you mean `"SIGTERM"`?"#));
        assert!(answer(r#""boo""#).contains("signal(7)"));
    }

    #[test]
    fn a_signal_by_number_is_refused() {
        assert!(said(&Rule::Signal, "15").is_some());
    }

    #[test]
    fn a_signal_that_does_something_has_one_name() {
        assert_eq!(named("SIGHUP").as_deref(), Ok("SIGHUP"));
        assert_eq!(named("HUP").as_deref(), Ok("SIGHUP"));
    }

    #[test]
    fn a_signal_that_can_do_nothing_is_refused() {
        assert!(named("SIGKILL").expect_err("it is refused").contains("cannot be caught"));
        assert!(named("SEGV").expect_err("it is refused").starts_with("SIGSEGV tells of a fault"));
        assert!(named("sighup").expect_err("it is refused").ends_with("did you mean `SIGHUP`?"));
        assert!(named("boo").expect_err("it is refused").contains("signal(7)"));
    }

    #[test]
    fn a_signal_does_what_one_of_three_words_says() {
        for word in [r#""ignore""#, r#""terminate""#, r#""reopen""#] {
            assert_eq!(said(&Rule::Reaction, word), None);
        }
        let answer = said(&Rule::Reaction, r#""ignored""#).unwrap_or_default();
        assert!(answer.contains(r#"did you mean `"ignore"`?"#), "{answer}");
        assert!(said(&Rule::Reaction, "1").is_some());
    }
}
