//! The file mode creation mask, which everybody reads as octal.

use syn::LitInt;

use super::Verdict;
use crate::model::literal::Literal;

const LARGEST: u32 = 0o777;

pub(super) fn check(literal: &Literal<'_>) -> Verdict {
    match literal {
        Literal::Int(number) if is_decimal(number) => Err(meant_as_octal(number.base10_digits())),
        Literal::Int(number) => in_range(number.base10_parse().ok()),
        Literal::Text(text) => in_range(octal(text.strip_prefix("0o").unwrap_or(text))),
        _ => Err("expected an octal number, as in `0o022`".to_owned()),
    }
}

fn in_range(mask: Option<u32>) -> Verdict {
    match mask {
        Some(0..=LARGEST) => Ok(()),
        _ => Err("a umask has up to three octal digits: `0o000` to `0o777`".to_owned()),
    }
}

fn octal(digits: &str) -> Option<u32> {
    // `from_str_radix` alone would take a sign.
    let is_octal = |digit| matches!(digit, '0'..='7');
    let digits = Some(digits).filter(|digits| digits.chars().all(is_octal))?;
    u32::from_str_radix(digits, 8).ok()
}

/// Zero does not count: it is the same in every base.
fn is_decimal(number: &LitInt) -> bool {
    let written = number.to_string();
    let names_its_base = ["0o", "0x", "0b"].iter().any(|base| written.starts_with(base));
    !names_its_base && number.base10_digits() != "0"
}

fn meant_as_octal(digits: &str) -> String {
    let meant = octal(digits).filter(|mask| *mask <= LARGEST);
    let meant = meant.unwrap_or(0o022);
    format!("a umask is octal, but this number is decimal: write `0o{meant:03o}`")
}

#[cfg(test)]
mod tests {
    use crate::model::rule::{Rule, tests::said};

    #[test]
    fn octal_numbers_and_digits_are_taken() {
        for mask in ["0o027", "0o0", "0", "0o777", "0o27u32", "\"027\"", "\"0o27\"", "\"0\"", "0b111"] {
            assert_eq!(said(&Rule::Umask, mask), None, "{mask}");
        }
    }

    #[test]
    fn a_decimal_number_is_answered_with_the_octal_one_that_was_meant() {
        let answer = |meant| Some(format!("a umask is octal, but this number is decimal: write `{meant}`"));
        assert_eq!(said(&Rule::Umask, "22"), answer("0o022"));
        assert_eq!(said(&Rule::Umask, "027"), answer("0o027"));
        assert_eq!(said(&Rule::Umask, "98"), answer("0o022"));
    }

    #[test]
    fn more_than_three_digits_or_other_ones_are_refused() {
        for mask in ["0o1000", "\"1777\"", "\"8\"", "\"\"", "\"+7\"", "\"0o0o7\""] {
            let answer = "a umask has up to three octal digits: `0o000` to `0o777`";
            assert_eq!(said(&Rule::Umask, mask).as_deref(), Some(answer), "{mask}");
        }
        assert!(said(&Rule::Umask, "-1").is_some() && said(&Rule::Umask, "true").is_some());
    }
}
