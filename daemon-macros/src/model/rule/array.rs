//! Arrays, of which every element is judged by itself.

use quote::ToTokens as _;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Result, Token};

use super::Rule;
use crate::mistakes::Mistakes;
use crate::model::literal::{Literal, bare};

pub(super) fn check(value: &Expr, rule: &Rule) -> Result<()> {
    if Literal::of(value).is_some() {
        let written = value.to_token_stream();
        return Err(Error::new_spanned(value, format!("expected an array: write `[{written}]`")));
    }
    let mut mistakes = Mistakes::default();
    for element in elements(value).into_iter().flatten() {
        mistakes.note(rule.check(element));
    }
    mistakes.into_result()
}

/// Whether an array is written out that has no elements, and so no type of its own.
pub(in super::super) fn is_empty(value: &Expr) -> bool {
    elements(value).is_some_and(Punctuated::is_empty)
}

fn elements(value: &Expr) -> Option<&Punctuated<Expr, Token![,]>> {
    match bare(value) {
        Expr::Array(array) => Some(&array.elems),
        Expr::Reference(borrowed) => elements(&borrowed.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str) -> Vec<String> {
        let value = syn::parse_str(value).expect("an expression");
        let mistakes = check(&value, &Rule::Descriptor).err();
        mistakes.into_iter().flatten().map(|mistake| mistake.to_string()).collect()
    }

    #[test]
    fn every_wrong_element_is_told() {
        assert_eq!(told("[0, 3, -1, given(), \"x\"]").len(), 3);
        assert_eq!(told("(&[0, 3])").len(), 1);
        assert!(told("[]").is_empty());
    }

    #[test]
    fn other_expressions_are_left_alone() {
        for value in ["given()", "vec![0]", "[0; 2]", "GIVEN", "Some([0])"] {
            assert!(told(value).is_empty(), "{value}");
        }
    }

    #[test]
    fn an_empty_array_is_known_for_one() {
        let empty = |value| is_empty(&syn::parse_str(value).expect("an expression"));
        assert!(empty("[]") && empty("&[]"));
        assert!(!empty("[3]") && !empty("vec![]") && !empty("f()"));
    }

    #[test]
    fn a_single_value_is_answered_with_its_brackets() {
        assert_eq!(told("3"), ["expected an array: write `[3]`"]);
    }
}
