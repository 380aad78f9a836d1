//! Tokens to raw arguments: every key and value as it was written, with its span.
//!
//! A mistake in one argument never hides the next: reading goes on after the comma.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::discouraged::Speculative as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Expr, Result, Token};

use crate::mistakes::Mistakes;

/// Which of the two attributes it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Daemon,
    RepeatDaemon,
}

/// One `key = value`.
pub(crate) struct Argument {
    pub(crate) key: Ident,
    /// `None`: what stands there is no expression, which has been told.
    pub(crate) value: Option<Expr>,
}

impl Argument {
    /// A mistake that lies in the key and its value together.
    pub(crate) fn error(&self, message: &str) -> Error {
        let Self { key, value } = self;
        Error::new_spanned(quote!(#key #value), message)
    }
}

/// The arguments of one attribute, each key once, in the order written.
#[derive(Default)]
pub(crate) struct Arguments(Vec<Argument>);

impl Arguments {
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut arguments = Self::default();
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                arguments.read(input, mistakes);
            }
            Ok(())
        };
        let outcome = read.parse2(tokens);
        mistakes.note(outcome);
        arguments
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Argument> {
        self.0.iter().find(|argument| argument.key == key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Argument> {
        self.0.iter()
    }

    fn read(&mut self, input: ParseStream<'_>, mistakes: &mut Mistakes) {
        let Ok(key) = input.call(Ident::parse_any) else {
            mistakes.add(input.error("expected a key, as in `name = \"greeter\"`"));
            return skip_past_comma(input);
        };
        let value = mistakes.note(value_of(&key, input));
        let complete = value.is_some();
        mistakes.note(self.set_once(Argument { key, value }));
        if complete {
            mistakes.note(end_argument(input));
        } else {
            skip_past_comma(input);
        }
    }

    fn set_once(&mut self, argument: Argument) -> Result<()> {
        let key = &argument.key;
        if let Some(first) = self.get(&key.to_string()) {
            let mut duplicate = Error::new(key.span(), format!("duplicate key `{key}`"));
            duplicate.combine(Error::new(first.key.span(), "first given here"));
            return Err(duplicate);
        }
        self.0.push(argument);
        Ok(())
    }
}

fn value_of(key: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    let equals: Option<Token![=]> = input.parse()?;
    if equals.is_none() || input.is_empty() || input.peek(Token![,]) {
        let message = format!("`{key}` needs a value: write `{key} = ...`");
        return Err(Error::new(key.span(), message));
    }
    // On a fork, because syn would else remember what it left unread inside of parentheses, and
    // report it a second time at the end.
    let ahead = input.fork();
    let value = ahead.parse()?;
    input.advance_to(&ahead);
    Ok(value)
}

fn end_argument(input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
        return Ok(());
    }
    let missing = input.error("expected `,` before the next key");
    let only_the_comma_is_missing = input.peek(Ident::peek_any) && input.peek2(Token![=]);
    if !only_the_comma_is_missing {
        skip_past_comma(input);
    }
    Err(missing)
}

fn skip_past_comma(input: ParseStream<'_>) {
    while let Ok(token) = input.parse::<TokenTree>() {
        if matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tokens: TokenStream) -> (Vec<String>, Vec<String>) {
        let mut mistakes = Mistakes::default();
        let arguments = Arguments::parse(tokens, &mut mistakes);
        let written = arguments.iter().map(|Argument { key, value }| quote!(#key #value).to_string()).collect();
        (written, mistakes.told())
    }

    #[test]
    fn values_are_any_expression_and_the_last_comma_is_optional() {
        let (written, told) = read(quote!(name = "x", stdout = log(1, 2), on_shutdown = |a, b| (), crate = a::b,));
        assert_eq!(written, ["name \"x\"", "stdout log (1 , 2)", "on_shutdown | a , b | ()", "crate a :: b"]);
        assert_eq!(told, Vec::<String>::new());
        assert_eq!(read(quote!(name = "x")), read(quote!(name = "x",)));
    }

    #[test]
    fn a_duplicate_is_told_at_both_places_and_the_first_one_stays() {
        let (written, told) = read(quote!(name = "a", name = "b"));
        assert_eq!(written, ["name \"a\""]);
        assert_eq!(told, ["duplicate key `name`", "first given here"]);
    }

    #[test]
    fn a_key_without_a_value_does_not_hide_the_next_key() {
        let needed = |key| format!("`{key}` needs a value: write `{key} = ...`");
        let (written, told) = read(quote!(a, b = , c("x"), d = 1, e =));
        assert_eq!(written, ["a", "b", "c", "d 1", "e"]);
        assert_eq!(told, [needed("a"), needed("b"), needed("c"), needed("e")]);
    }

    #[test]
    fn what_is_no_expression_is_told_once_and_skipped() {
        let (written, told) = read(quote!(a = f(1 2), b = struct, c = 3));
        assert_eq!(written, ["a", "b", "c 3"]);
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn what_is_no_key_is_told_once_and_skipped() {
        let (written, told) = read(quote!("a" = 1, , b = 2));
        assert_eq!(written, ["b 2"]);
        assert_eq!(told, ["expected a key, as in `name = \"greeter\"`"; 2]);
    }

    #[test]
    fn a_missing_comma_is_told_and_the_key_after_it_is_read() {
        let (written, told) = read(quote!(a = 1 b = 2, c = "x" "y", d = 4));
        assert_eq!(written, ["a 1", "b 2", "c \"x\"", "d 4"]);
        assert_eq!(told, ["expected `,` before the next key"; 2]);
    }
}
