//! What the value of a key may be, as far as it is written out.

mod account;
pub(super) mod action;
pub(super) mod array;
pub(super) mod duration;
mod number;
mod path;
pub(super) mod signal;
pub(super) mod stage;
mod umask;
mod words;

use syn::{Error, Expr, Result};

use super::literal::Literal;

/// `Err` holds the sentence to say.
type Verdict = std::result::Result<(), String>;

/// What a key expects of a literal.
pub(super) enum Rule {
    Name,
    File,
    /// A file, or a word for where else lines can go.
    Log,
    Folder,
    Duration,
    LongerThanZero,
    Umask,
    User,
    Group,
    LogPrefix,
    Signal,
    Count,
    Instances,
    Descriptor,
    /// An array, each element of which is judged by itself.
    Each(&'static Rule),
    /// One of a few words and switches, as they are written in Rust.
    OneOf(&'static [&'static str]),
    Function,
    /// What a signal does: a function, or a word.
    Reaction,
    /// The value of an environment variable.
    Variable,
    /// Not judged here: the macro reads this value itself, so it can be nothing but a path.
    Runtime,
}

impl Rule {
    pub(super) fn check(&self, value: &Expr) -> Result<()> {
        if let Self::Each(rule) = self {
            return array::check(value, rule);
        }
        let verdict = Literal::of(value).map_or(Ok(()), |literal| self.judge(&literal));
        verdict.map_err(|sentence| Error::new_spanned(value, sentence))
    }

    fn judge(&self, literal: &Literal<'_>) -> Verdict {
        match self {
            Self::Name => words::name(literal),
            Self::File => path::file(literal),
            Self::Log => path::log(literal),
            Self::Folder => path::any(literal),
            Self::Duration => duration::any(literal),
            Self::LongerThanZero => duration::longer_than_zero(literal),
            Self::Umask => umask::check(literal),
            Self::User => account::user(literal),
            Self::Group => account::group(literal),
            Self::LogPrefix => words::log_prefix(literal),
            Self::Signal => signal::check(literal),
            Self::Count => number::count(literal),
            Self::Instances => number::instances(literal),
            Self::Descriptor => number::descriptor(literal),
            Self::OneOf(choices) => words::one_of(choices, literal),
            Self::Function => Err("expected the name of a function, without quotes, or a closure".to_owned()),
            Self::Reaction => signal::reaction(literal),
            Self::Variable => words::variable(literal),
            Self::Each(_) | Self::Runtime => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What is said about a value, given as Rust code.
    pub(in super::super) fn said(rule: &Rule, value: &str) -> Option<String> {
        let value = syn::parse_str(value).expect("an expression");
        rule.check(&value).err().map(|mistake| mistake.to_string())
    }

    #[test]
    fn a_function_is_no_literal() {
        assert!(said(&Rule::Function, r#""prepare""#).is_some());
    }

    #[test]
    fn an_expression_passes_every_rule() {
        let rules = [
            Rule::Name,
            Rule::File,
            Rule::Duration,
            Rule::Umask,
            Rule::User,
            Rule::Signal,
            Rule::Count,
            Rule::Each(&Rule::Descriptor),
            Rule::Function,
            Rule::Reaction,
        ];
        assert!(rules.iter().all(|rule| said(rule, "given()").is_none()));
    }
}
