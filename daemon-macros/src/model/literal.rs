//! What the macro can judge of a value: what is written out. Any other expression is left to rustc
//! and to the run.

use syn::{Expr, ExprUnary, Lit, LitInt, UnOp};

pub(super) enum Literal<'a> {
    Text(String),
    Int(&'a LitInt),
    Switch(bool),
    /// A number with a minus, which is no literal to Rust.
    Negative,
    Other,
}

impl<'a> Literal<'a> {
    pub(super) fn of(value: &'a Expr) -> Option<Self> {
        match bare(value) {
            Expr::Lit(literal) => Some(Self::from(&literal.lit)),
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => Self::of(expr).map(|_| Self::Negative),
            _ => None,
        }
    }

    /// The text, or the sentence that says what is `expected` instead.
    pub(super) fn text(&self, expected: &str) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(expected.to_owned()),
        }
    }

    /// A word or a switch as it is written in Rust.
    pub(super) fn code(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(format!("{text:?}")),
            Self::Switch(switch) => Some(switch.to_string()),
            _ => None,
        }
    }
}

/// The value without what a careful writer, or a `macro_rules!` macro, put around it.
pub(super) fn bare(value: &Expr) -> &Expr {
    match value {
        Expr::Paren(inner) => bare(&inner.expr),
        // What `$value:expr` of a `macro_rules!` macro becomes.
        Expr::Group(inner) => bare(&inner.expr),
        _ => value,
    }
}

impl<'a> From<&'a Lit> for Literal<'a> {
    fn from(literal: &'a Lit) -> Self {
        match literal {
            Lit::Str(text) => Self::Text(text.value()),
            Lit::Int(number) => Self::Int(number),
            Lit::Bool(switch) => Self::Switch(switch.value),
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn a_literal_is_seen_through_parentheses() {
        let value: Expr = parse_quote!(("x"));
        assert!(matches!(Literal::of(&value), Some(Literal::Text(text)) if text == "x"));
    }

    #[test]
    fn a_number_with_a_minus_is_seen() {
        let value: Expr = parse_quote!(-1);
        assert!(matches!(Literal::of(&value), Some(Literal::Negative)));
    }

    #[test]
    fn an_expression_is_not_judged() {
        let values: [Expr; 4] = [parse_quote!(f()), parse_quote!(-x), parse_quote!(X), parse_quote!("a".len())];
        assert!(values.iter().all(|value| Literal::of(value).is_none()));
    }
}
