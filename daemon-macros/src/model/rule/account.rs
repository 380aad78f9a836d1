//! Users and groups, by name or by number.

use super::Verdict;
use crate::model::literal::Literal;

/// To the system calls the largest number says "leave it as it is".
const LARGEST: u32 = u32::MAX - 1;

pub(super) fn user(literal: &Literal<'_>) -> Verdict {
    if let Literal::Text(name) = literal {
        refuse_group(name)?;
    }
    check("user", "www-data", literal)
}

pub(super) fn group(literal: &Literal<'_>) -> Verdict {
    check("group", "adm", literal)
}

/// As chown(1) would take it.
fn refuse_group(name: &str) -> Verdict {
    name.split_once(':').map_or(Ok(()), |(user, group)| {
        Err(format!("`{name:?}` names a user and a group: write `user = {user:?}, group = {group:?}`"))
    })
}

fn check(what: &str, example: &str, literal: &Literal<'_>) -> Verdict {
    match literal {
        Literal::Text(name) if name.is_empty() => {
            Err(format!("the name of a {what} must not be empty: leave it out to keep the {what}"))
        }
        Literal::Text(name) if name.contains(|c: char| c == ':' || c.is_control()) => {
            Err(format!("`{name:?}` cannot be the name of a {what}, which has no `:` and no control character"))
        }
        Literal::Text(_) => Ok(()),
        Literal::Int(number) if number.base10_parse().is_ok_and(|number: u32| number <= LARGEST) => Ok(()),
        _ => Err(format!("expected the name of a {what} as a string, or its number, as in `\"{example}\"` or `33`")),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::rule::{Rule, tests::said};

    #[test]
    fn names_and_numbers_are_taken() {
        for account in ["\"www-data\"", "\"33\"", "0", "33", "4294967294"] {
            assert_eq!(said(&Rule::User, account), None, "{account}");
            assert_eq!(said(&Rule::Group, account), None, "{account}");
        }
    }

    #[test]
    fn what_no_account_can_be_called_is_refused() {
        for value in ["\"\"", r#""a\0""#, "-1", "4294967295", "1.5", "true"] {
            assert!(said(&Rule::User, value).is_some(), "{value}");
        }
    }

    #[test]
    fn a_user_with_a_group_is_answered_with_the_two_keys() {
        let answer = said(&Rule::User, r#""www:adm""#).unwrap_or_default();
        assert!(said(&Rule::Group, r#""www:adm""#).is_some());
        assert!(answer.ends_with(r#"write `user = "www", group = "adm"`"#), "{answer}");
    }
}
