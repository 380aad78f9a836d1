//! What the value of a key may be, as far as it is written out.

pub(super) mod duration;
mod path;
mod signal;
mod umask;

use syn::{Error, Expr, Result};

use super::literal::Literal;
use super::unknown::{listed, unknown};

/// `Err` holds the sentence to say.
type Verdict = std::result::Result<(), String>;

/// What a key expects of a literal.
pub(super) enum Rule {
    Name,
    File,
    Folder,
    Duration,
    LongerThanZero,
    Umask,
    Signal,
    Count,
    /// One of a few words and switches, as they are written in Rust.
    OneOf(&'static [&'static str]),
    Function,
    /// Not judged here: the macro reads this value itself, so it can be nothing but a path.
    Runtime,
}

impl Rule {
    pub(super) fn check(&self, value: &Expr) -> Result<()> {
        let verdict = Literal::of(value).map_or(Ok(()), |literal| self.judge(&literal));
        verdict.map_err(|sentence| Error::new_spanned(value, sentence))
    }

    fn judge(&self, literal: &Literal<'_>) -> Verdict {
        match self {
            Self::Name => name(literal),
            Self::File => path::file(literal),
            Self::Folder => path::any(literal),
            Self::Duration => duration::any(literal),
            Self::LongerThanZero => duration::longer_than_zero(literal),
            Self::Umask => umask::check(literal),
            Self::Signal => signal::check(literal),
            Self::Count => count(literal),
            Self::OneOf(choices) => one_of(choices, literal),
            Self::Function => Err("expected a function or a closure, as in `on_start = prepare`".to_owned()),
            Self::Runtime => Ok(()),
        }
    }
}

fn name(literal: &Literal<'_>) -> Verdict {
    let name = literal.text("expected a name as a string, as in `\"greeter\"`")?;
    if name.is_empty() {
        return Err("a name must not be empty: leave the key out to use the function's name".to_owned());
    }
    if matches!(name, "." | "..") || name.contains(|c: char| c == '/' || c.is_control()) {
        return Err(format!(
            "`{name:?}` cannot be a name, because files are named after it: \
             use letters, digits, `-` and `_`"
        ));
    }
    Ok(())
}

fn count(literal: &Literal<'_>) -> Verdict {
    match literal {
        Literal::Int(number) if number.base10_parse::<u64>().is_ok() => Ok(()),
        _ => Err("expected a whole number of times, where `0` stands for ever".to_owned()),
    }
}

fn one_of(choices: &[&str], literal: &Literal<'_>) -> Verdict {
    match literal.code() {
        Some(word) if choices.contains(&word.as_str()) => Ok(()),
        Some(word) => Err(unknown("value", &word, choices)),
        None => Err(format!("expected one of {}", listed(choices))),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What is said about a value, given as Rust code.
    pub(in crate::model) fn said(rule: &Rule, value: &str) -> Option<String> {
        let value = syn::parse_str(value).expect("an expression");
        rule.check(&value).err().map(|mistake| mistake.to_string())
    }

    #[test]
    fn a_name_must_do_as_a_file_name() {
        assert_eq!(said(&Rule::Name, r#""greeter 2.0""#), None);
        for name in ["\"\"", "\".\"", "\"..\"", "\"a/b\"", r#""a\0""#, r#""a\n""#, "1", "true"] {
            assert!(said(&Rule::Name, name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_count_is_zero_or_more() {
        assert_eq!(said(&Rule::Count, "0"), None);
        for count in ["-1", "1.5", "\"3\"", "18446744073709551616"] {
            assert!(said(&Rule::Count, count).is_some(), "{count}");
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

    #[test]
    fn a_function_is_no_literal() {
        assert!(said(&Rule::Function, r#""prepare""#).is_some());
    }

    #[test]
    fn an_expression_passes_every_rule() {
        let rules = [Rule::Name, Rule::File, Rule::Duration, Rule::Umask, Rule::Signal, Rule::Count, Rule::Function];
        assert!(rules.iter().all(|rule| said(rule, "given()").is_none()));
    }
}
