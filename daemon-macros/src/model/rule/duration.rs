//! Lengths of time, written as humantime reads them.

use std::time::Duration;

use super::Verdict;
use crate::model::literal::Literal;

pub(super) fn any(literal: &Literal<'_>) -> Verdict {
    read(literal).map(drop)
}

pub(super) fn longer_than_zero(literal: &Literal<'_>) -> Verdict {
    if read(literal)?.is_zero() {
        return Err("this time must be longer than zero, as in `\"5s\"`".to_owned());
    }
    Ok(())
}

/// The length of time, or the sentence that says why it is none.
pub(in super::super) fn read(literal: &Literal<'_>) -> Result<Duration, String> {
    let text = literal.text("expected a duration, with its unit and quotes, as in `\"5s\"`")?;
    humantime::parse_duration(text).map_err(|reason| {
        format!(
            "`{text:?}` is no duration: {reason}; \
             write it as in `\"5s\"`, `\"100ms\"` or `\"1h 30m\"`"
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::model::rule::{Rule, tests::said};

    #[test]
    fn durations_are_read_by_humantime() {
        for duration in ["5s", "1ms", "1us", "1h 30m", "0s"] {
            assert_eq!(said(&Rule::Duration, &format!("{duration:?}")), None, "{duration}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for value in ["\"5\"", "\"soon\"", "\"\"", "\"-1s\"", "5", "-1", "1.5", "true"] {
            assert!(said(&Rule::Duration, value).is_some(), "{value}");
        }
    }

    #[test]
    fn zero_is_refused_where_nothing_would_happen_in_it() {
        assert!(said(&Rule::LongerThanZero, "\"0s\"").is_some());
        assert_eq!(said(&Rule::LongerThanZero, "\"1ns\""), None);
    }
}
