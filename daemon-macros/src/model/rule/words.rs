//! Texts: names, and words of which only a few are known.

use super::Verdict;
use crate::model::literal::Literal;
use crate::model::unknown::{listed, unknown};

pub(super) fn name(literal: &Literal<'_>) -> Verdict {
    let name = literal.text("expected a name as a string, as in `\"greeter\"`")?;
    if name.is_empty() {
        return Err("a name must not be empty: leave the key out to use the function's name".to_owned());
    }
    if matches!(name, "." | "..") || !is_part_of_a_file_name(name) {
        return Err(format!(
            "`{name:?}` cannot be a name, because files are named after it: \
             use letters, digits, `-` and `_`"
        ));
    }
    Ok(())
}

/// What the names of log files begin with.
pub(super) fn log_prefix(literal: &Literal<'_>) -> Verdict {
    match literal.text("expected the beginning of a file name as a string, as in `\"blue-\"`")? {
        "" => Err("a prefix must not be empty: leave the key out to have none".to_owned()),
        prefix if is_part_of_a_file_name(prefix) => Ok(()),
        prefix => Err(format!(
            "`{prefix:?}` cannot begin the name of a file: \
             use letters, digits, `-` and `_`, and `prefix` for a folder"
        )),
    }
}

/// The value of an environment variable.
pub(super) fn variable(literal: &Literal<'_>) -> Verdict {
    match literal.text("expected a string, as in `\"info\"`: environment variables hold text")? {
        text if text.contains('\0') => Err("an environment variable cannot hold a NUL byte".to_owned()),
        _ => Ok(()),
    }
}

pub(super) fn one_of(choices: &[&str], literal: &Literal<'_>) -> Verdict {
    match literal.code() {
        Some(word) if choices.contains(&word.as_str()) => Ok(()),
        Some(word) => Err(unknown("value", &word, choices)),
        None => Err(format!("expected one of {}", listed(choices))),
    }
}

fn is_part_of_a_file_name(text: &str) -> bool {
    !text.contains(|c: char| c == '/' || c.is_control())
}

#[cfg(test)]
mod tests {
    use crate::model::rule::{Rule, tests::said};

    #[test]
    fn a_name_must_do_as_a_file_name() {
        assert_eq!(said(&Rule::Name, r#""greeter 2.0""#), None);
        for name in ["\"\"", "\".\"", "\"..\"", "\"a/b\"", r#""a\0""#, r#""a\n""#, "1", "true"] {
            assert!(said(&Rule::Name, name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_log_prefix_must_do_as_the_beginning_of_a_file_name() {
        for prefix in ["\"blue-\"", "\".\""] {
            assert_eq!(said(&Rule::LogPrefix, prefix), None, "{prefix}");
        }
        for prefix in ["\"\"", "\"logs/blue-\"", r#""a\0""#, "1"] {
            assert!(said(&Rule::LogPrefix, prefix).is_some(), "{prefix}");
        }
    }

    #[test]
    fn an_environment_variable_holds_text() {
        assert_eq!(said(&Rule::Variable, "\"\""), None);
        for value in ["7070", "true", r#""a\0""#] {
            assert!(said(&Rule::Variable, value).is_some(), "{value}");
        }
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let rule = Rule::OneOf(&[r#""auto""#, "true", "false"]);
        assert_eq!(said(&rule, r#""auto""#), None);
        assert_eq!(said(&rule, "true"), None);
        let choices = r#"`"auto"`, `true`, `false`"#;
        let meant = |word| format!("did you mean `{word}`? The values are: {choices}");
        assert!(said(&rule, r#""atuo""#).is_some_and(|said| said.ends_with(&meant(r#""auto""#))));
        assert!(said(&rule, r#""true""#).is_some_and(|said| said.ends_with(&meant("true"))));
        assert_eq!(said(&rule, "1"), Some(format!("expected one of {choices}")));
    }
}
