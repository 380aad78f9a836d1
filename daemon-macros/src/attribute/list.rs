//! The entries of a list: `KEY(NAME = value, NAME = value)`.

use proc_macro2::{Group, Ident};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Error, Expr};

use super::reading::{assigned, attributes, end_item, read_all, skip_past_comma, without_meaning};
use crate::mistakes::Mistakes;

/// What stands in the parentheses of a key.
pub(crate) struct List {
    pub(crate) written: Group,
    pub(crate) entries: Vec<Entry>,
    /// Kept apart, because they are nobody's business if the key does not take a list at all.
    pub(crate) mistakes: Mistakes,
}

/// One `NAME = value`.
pub(crate) struct Entry {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) name: Ident,
    /// `None`: there is none that can be read, which is among the mistakes of the list.
    pub(crate) value: Option<Expr>,
}

impl Entry {
    /// The name as a user would say it: without `r#`.
    pub(crate) fn name(&self) -> String {
        self.name.unraw().to_string()
    }
}

impl List {
    pub(super) fn parse(key: &Ident, written: Group) -> Self {
        let (tokens, end) = (written.stream(), written.span_close());
        let mut list = Self { written, entries: Vec::new(), mistakes: Mistakes::default() };
        let outcome = read_all(tokens, end, |input| list.read(key, input));
        list.mistakes.note(outcome);
        list
    }

    fn read(&mut self, key: &Ident, input: ParseStream<'_>) {
        let attrs = attributes(input, &mut self.mistakes);
        if input.is_empty() {
            return self.mistakes.extend(attrs.iter().map(without_meaning));
        }
        let Ok(name) = input.call(Ident::parse_any) else {
            self.mistakes.add(input.error(format!("expected an entry, as in `{key}(NAME = ...)`")));
            return skip_past_comma(input);
        };
        let value = self.value(&name, input);
        let complete = value.is_some();
        self.entries.push(Entry { attrs, name, value });
        if complete {
            self.mistakes.note(end_item(input, "entry"));
        } else {
            skip_past_comma(input);
        }
    }

    fn value(&mut self, name: &Ident, input: ParseStream<'_>) -> Option<Expr> {
        let value = self.mistakes.note(assigned(input))?;
        if value.is_none() {
            let sentence = format!("`{name}` needs a value: write `{name} = ...`");
            self.mistakes.add(Error::new(name.span(), sentence));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::{format_ident, quote};

    fn read(written: &str) -> (Vec<String>, Vec<String>) {
        let group = syn::parse_str(written).expect("parentheses");
        let list = List::parse(&format_ident!("before"), group);
        let entries = list.entries.iter().map(|Entry { name, value, .. }| quote!(#name #value).to_string());
        (entries.collect(), list.mistakes.told())
    }

    #[test]
    fn entries_are_names_with_any_expression_and_the_last_comma_is_optional() {
        let (entries, told) = read("(detach = |a, b| (), r#type = \"x\", move = a::b(1, 2),)");
        assert_eq!(entries, ["detach | a , b | ()", "r#type \"x\"", "move a :: b (1 , 2)"]);
        assert_eq!(told, Vec::<String>::new());
        assert_eq!(read("(a = 1)"), read("(a = 1,)"));
        assert_eq!(read("()"), (Vec::new(), Vec::new()));
    }

    #[test]
    fn no_mistake_hides_the_next_entry() {
        let (entries, told) = read("(= f, a, b = , \"c\" = 1, d = f(1 2), e = 1 f = 2, g = struct, h = 3)");
        assert_eq!(entries, ["a", "b", "d", "e 1", "f 2", "g", "h 3"]);
        assert_eq!(told[0], "expected an entry, as in `before(NAME = ...)`");
        assert_eq!(told[1], "`a` needs a value: write `a = ...`");
        assert_eq!(told.len(), 7);
    }

    #[test]
    fn a_doc_comment_stays_with_the_entry_below_it() {
        let group = syn::parse_quote! {(
            a = 1,
            /// One.
            /// Two.
            b = 2
        )};
        let list = List::parse(&format_ident!("actions"), group);
        let above: Vec<_> = list.entries.iter().map(|entry| entry.attrs.len()).collect();
        assert_eq!(above, [0, 2]);
    }

    #[test]
    fn a_doc_comment_above_nothing_is_told() {
        let (entries, told) = read("(a = 1, /** One. */)");
        assert_eq!(entries, ["a 1"]);
        assert!(matches!(&told[..], [only] if only.starts_with("a doc comment")), "{told:?}");
    }

    #[test]
    fn a_missing_comma_above_a_doc_comment_is_told_once() {
        let (entries, told) = read("(a = 1 /** One. */ b = 2)");
        assert_eq!(entries, ["a 1", "b 2"]);
        assert_eq!(told, ["expected `,` before the next entry"]);
    }
}
