//! Whole numbers, each with its own bounds.

use super::Verdict;
use crate::model::literal::Literal;

pub(super) fn count(literal: &Literal<'_>) -> Verdict {
    match literal {
        Literal::Int(number) if number.base10_parse::<u64>().is_ok() => Ok(()),
        _ => Err("expected a whole number of times, where `0` stands for ever".to_owned()),
    }
}

pub(super) fn instances(literal: &Literal<'_>) -> Verdict {
    match small(literal) {
        Some(1..) => Ok(()),
        _ => Err("expected how many instances may run side by side, a whole number from `1` on".to_owned()),
    }
}

pub(super) fn descriptor(literal: &Literal<'_>) -> Verdict {
    match small(literal) {
        Some(standard @ 0..=2) => Err(format!(
            "descriptor {standard} needs no preserving, because the standard three are always open: leave it out"
        )),
        Some(_) => Ok(()),
        None => Err("expected the number of an open descriptor, as in `3`".to_owned()),
    }
}

/// The number, as far as it fits what the system counts with.
fn small(literal: &Literal<'_>) -> Option<i32> {
    match literal {
        Literal::Int(number) => number.base10_parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::rule::{Rule, tests::said};

    #[test]
    fn a_count_is_zero_or_more() {
        assert_eq!(said(&Rule::Count, "0"), None);
        for count in ["-1", "1.5", "\"3\"", "18446744073709551616"] {
            assert!(said(&Rule::Count, count).is_some(), "{count}");
        }
    }

    #[test]
    fn there_is_at_least_one_instance() {
        assert_eq!(said(&Rule::Instances, "1"), None);
        for instances in ["0", "-1", "1.5", "\"3\"", "true", "4294967296"] {
            assert!(said(&Rule::Instances, instances).is_some(), "{instances}");
        }
    }

    #[test]
    fn descriptors_beyond_the_standard_three_are_preserved() {
        assert_eq!(said(&Rule::Descriptor, "3"), None);
        for standard in ["0", "1", "2"] {
            let answer = said(&Rule::Descriptor, standard);
            assert!(answer.is_some_and(|answer| answer.contains("no preserving")), "{standard}");
        }
        for wrong in ["-1", "\"3\"", "2147483648", "true"] {
            let answer = said(&Rule::Descriptor, wrong);
            assert!(answer.is_some_and(|answer| answer.starts_with("expected")), "{wrong}");
        }
    }
}
