//! Signals by name.

use super::Verdict;
use crate::model::literal::Literal;
use crate::model::unknown::nearest;

/// The standard signals of Linux, signal(7), without their `SIG`.
const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

pub(super) fn check(literal: &Literal<'_>) -> Verdict {
    let name = literal.text("expected the name of a signal as a string, as in `\"SIGTERM\"`")?;
    match without_prefix(name) {
        short @ ("KILL" | "STOP") => Err(format!(
            "SIG{short} cannot be caught, so the daemon could not shut down in order: \
             leave that to `stop --force`"
        )),
        short @ ("ILL" | "FPE" | "SEGV" | "BUS") => Err(format!(
            "SIG{short} tells of a fault in the program, after which the daemon could not shut down in order"
        )),
        known if SIGNALS.contains(&known) => Ok(()),
        _ => Err(format!("unknown signal `{name:?}`; {}", hint(&name.to_uppercase()))),
    }
}

fn without_prefix(name: &str) -> &str {
    name.strip_prefix("SIG").unwrap_or(name)
}

fn hint(name: &str) -> String {
    match nearest(without_prefix(name), SIGNALS) {
        Some(near) => format!("did you mean `\"SIG{near}\"`?"),
        None => "signals are named as in signal(7), as in `\"SIGTERM\"`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
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
}
