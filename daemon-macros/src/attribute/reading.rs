//! What keys and the entries of lists have in common.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::discouraged::Speculative as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Error, Expr, Result, Token, parenthesized, token};

use crate::doc;
use crate::mistakes::Mistakes;

/// Reads all tokens. Where they end too early, that is shown at `end`; else the whole attribute would be the place.
pub(super) fn read_all(tokens: TokenStream, end: Span, mut read: impl FnMut(ParseStream<'_>)) -> Result<()> {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(end);
    let read = |input: ParseStream<'_>| {
        let content;
        parenthesized!(content in input);
        while !content.is_empty() {
            read(&content);
        }
        Ok(())
    };
    read.parse2(TokenStream::from(TokenTree::from(group)))
}

/// Reads `= value`, if that is what stands after a name.
pub(super) fn assigned(input: ParseStream<'_>) -> Result<Option<Expr>> {
    let equals: Option<Token![=]> = input.parse()?;
    if equals.is_none() || input.is_empty() || input.peek(Token![,]) {
        return Ok(None);
    }
    // On a fork, because syn would else remember what it left unread inside of parentheses, and
    // report it a second time at the end.
    let ahead = input.fork();
    let value = ahead.parse()?;
    input.advance_to(&ahead);
    Ok(Some(value))
}

pub(super) fn end_item(input: ParseStream<'_>, item: &str) -> Result<()> {
    if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
        return Ok(());
    }
    let missing = input.error(format!("expected `,` before the next {item}"));
    if !begins_an_item(input) {
        skip_past_comma(input);
    }
    Err(missing)
}

/// Whether only the comma is missing.
fn begins_an_item(input: ParseStream<'_>) -> bool {
    let named = input.peek(Ident::peek_any) && (input.peek2(Token![=]) || input.peek2(token::Paren));
    named || input.peek(Token![#])
}

pub(super) fn skip_past_comma(input: ParseStream<'_>) {
    while let Ok(token) = input.parse::<TokenTree>() {
        if matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            return;
        }
    }
}

/// Reads the attributes and doc comments above a name. What is none of them is left unread.
pub(super) fn attributes(input: ParseStream<'_>, mistakes: &mut Mistakes) -> Vec<Attribute> {
    if !(input.peek(Token![#]) && input.peek2(token::Bracket)) {
        return Vec::new();
    }
    mistakes.note(input.call(Attribute::parse_outer)).unwrap_or_default()
}

/// Reads the attributes and doc comments where none has a meaning.
pub(super) fn refuse_attributes(input: ParseStream<'_>, mistakes: &mut Mistakes) {
    let attributes = attributes(input, mistakes);
    mistakes.extend(attributes.iter().map(without_meaning));
}

/// The mistake that an attribute is where it has no meaning.
pub(crate) fn without_meaning(attribute: &Attribute) -> Error {
    let sentence = match doc::text(attribute) {
        Some(_) => {
            "a doc comment belongs above an entry of `actions`, whose help it is, or above the function: \
             write `//` for a comment here"
        }
        None => "an attribute has no meaning here: remove it",
    };
    Error::new_spanned(attribute, sentence)
}
