//! Tokens to raw arguments: every key and value as it was written, with its span.
//!
//! A mistake in one argument never hides the next: reading goes on after the comma.

mod list;
mod reading;

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Error, Expr, Result, token};

use crate::mistakes::Mistakes;
pub(crate) use list::{Entry, List};
pub(crate) use reading::without_meaning;
use reading::{assigned, end_item, read_all, refuse_attributes, skip_past_comma};

/// Which of the two attributes it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Daemon,
    RepeatDaemon,
}

/// One key with what is given to it.
pub(crate) struct Argument {
    pub(crate) key: Ident,
    pub(crate) given: Given,
}

/// What stands after a key.
pub(crate) enum Given {
    /// Nothing: what should stand there depends on the key.
    Nothing,
    /// No expression, which has been told.
    Unreadable,
    /// `key = value`
    Value(Expr),
    /// `key(entry, entry)`
    List(List),
}

impl Argument {
    pub(crate) fn value(&self) -> Option<&Expr> {
        match &self.given {
            Given::Value(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&List> {
        match &self.given {
            Given::List(list) => Some(list),
            _ => None,
        }
    }

    /// A mistake that lies in the key and what is given to it together.
    pub(crate) fn error(&self, message: &str) -> Error {
        let (key, value) = (&self.key, self.value());
        let list = self.list().map(|list| &list.written);
        Error::new_spanned(quote!(#key #value #list), message)
    }
}

/// The arguments of one attribute, each key once, in the order written.
#[derive(Default)]
pub(crate) struct Arguments(Vec<Argument>);

impl Arguments {
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut arguments = Self::default();
        let end = tokens.clone().into_iter().last().map_or_else(Span::call_site, |last| last.span());
        let outcome = read_all(tokens, end, |input| arguments.read(input, mistakes));
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
        refuse_attributes(input, mistakes);
        if input.is_empty() {
            return;
        }
        let Ok(key) = input.call(Ident::parse_any) else {
            mistakes.add(input.error("expected a key, as in `name = \"greeter\"`"));
            return skip_past_comma(input);
        };
        let given = mistakes.note(given_to(&key, input)).unwrap_or(Given::Unreadable);
        let complete = matches!(given, Given::Value(_) | Given::List(_));
        mistakes.note(self.set_once(Argument { key, given }));
        if complete {
            mistakes.note(end_item(input, "key"));
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

fn given_to(key: &Ident, input: ParseStream<'_>) -> Result<Given> {
    if input.peek(token::Paren) {
        let written: Group = input.parse()?;
        return Ok(Given::List(List::parse(key, written)));
    }
    Ok(assigned(input)?.map_or(Given::Nothing, Given::Value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tokens: TokenStream) -> (Vec<String>, Vec<String>) {
        let mut mistakes = Mistakes::default();
        let arguments = Arguments::parse(tokens, &mut mistakes);
        let written = arguments.iter().map(|argument| {
            let (key, value) = (&argument.key, argument.value());
            let list = argument.list().map(|list| &list.written);
            quote!(#key #value #list).to_string()
        });
        (written.collect(), mistakes.told())
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
        let (written, told) = read(quote!(a, b = , c["x"], d = 1, e =));
        assert_eq!(written, ["a", "b", "c", "d 1", "e"]);
        assert_eq!(told, Vec::<String>::new());
    }

    #[test]
    fn a_list_is_kept_as_it_was_written() {
        let (written, told) = read(quote!(a(x = 1, y = f), b(), c(?) = 2, d = 3));
        assert_eq!(written, ["a (x = 1 , y = f)", "b ()", "c (?)", "d 3"]);
        assert_eq!(told, ["expected `,` before the next key"]);
    }

    #[test]
    fn a_doc_comment_is_told_and_the_key_below_it_is_read() {
        let (written, told) = read(quote! {
            /// The name.
            name = "x",
            /// And no more.
        });
        assert_eq!(written, ["name \"x\""]);
        assert!(told.len() == 2 && told.iter().all(|told| told.starts_with("a doc comment")), "{told:?}");
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
        let (written, told) = read(quote!(a = 1 b = 2, c = "x" "y", d = 4 e(x = 5) f = 6));
        assert_eq!(written, ["a 1", "b 2", "c \"x\"", "d 4", "e (x = 5)", "f 6"]);
        assert_eq!(told, ["expected `,` before the next key"; 4]);
    }
}
