//! Any attribute on any item: `#[daemon(...)]` or `#[repeat_daemon(...)]`, and whatever follows it. Nothing panics, every
//! mistake is shown at a place in what was written, and what was right becomes code.

#![no_main]

#[path = "../../src"]
mod macros {
    pub(crate) mod attribute;
    pub(crate) mod doc;
    pub(crate) mod expand;
    pub(crate) mod item;
    pub(crate) mod mistakes;
    pub(crate) mod model;
    pub(crate) mod transform;
}

use std::ops::Range;

use macros::attribute::Kind;
pub(crate) use macros::{attribute, doc, expand, item, mistakes, model};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The compiler itself gives up on what is nested deeper than this (`recursion_limit`).
const DEEPEST: usize = 128;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // All of one input at a time: places are kept for every text that was ever read.
    proc_macro2::extra::invalidate_current_thread_spans();
    let Ok(tokens) = text.parse::<TokenStream>() else { return };
    if depth(&tokens) > DEEPEST {
        return;
    }
    let Some(written) = Written::of(tokens) else { return };
    for kind in [Kind::Daemon, Kind::RepeatDaemon] {
        let code = macros::transform::transform(kind, written.attribute.clone(), written.item.clone());
        let mistakes = mistakes_in(code.clone());
        for (sentence, place) in &mistakes {
            assert!(written.has(place) || written.is_of_the_whole(sentence, place), "{sentence:?} at {place:?}");
        }
        let is_function = syn::parse2::<syn::ItemFn>(written.item.clone()).is_ok();
        if mistakes.is_empty() && is_function {
            let refused = syn::parse2::<syn::File>(code.clone()).err();
            assert!(refused.is_none(), "{refused:?} in {code}");
        }
    }
});

/// `#[NAME(attribute)] item`, the item up to the end of its body.
struct Written {
    attribute: TokenStream,
    item: TokenStream,
    /// From the first byte of the attribute to the last of the item.
    whole: Range<usize>,
}

impl Written {
    fn of(tokens: TokenStream) -> Option<Self> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let (at, arguments) = tokens.iter().enumerate().find_map(|(at, token)| Some((at, arguments(token)?)))?;
        let rest = tokens.get(at + 1..)?;
        let is_body = |token: &TokenTree| is_group(token, Delimiter::Brace);
        let end = rest.iter().position(is_body).map_or(rest.len(), |body| body + 1);
        let item = rest.get(..end)?;
        let last = item.last().unwrap_or(tokens.get(at)?).span();
        let whole = tokens.get(at)?.span().byte_range().start..last.byte_range().end;
        Some(Self { attribute: arguments, item: item.iter().cloned().collect(), whole })
    }

    /// Whether the place is one in what was written. The `#` stands before it, so no place begins at 0.
    fn has(&self, place: &Range<usize>) -> bool {
        place.start >= self.whole.start && place.start < place.end && place.end <= self.whole.end
    }

    /// Whether the mistake is that something is missing, which has no place but the whole attribute: a key, or the end of an
    /// item that is cut off, as no compiler would hand it on.
    fn is_of_the_whole(&self, sentence: &str, place: &Range<usize>) -> bool {
        *place == (0..0) && (sentence.starts_with("missing key `every`") || !self.is_item())
    }

    /// Whether a compiler would hand it on: an item, whatever its body holds.
    fn is_item(&self) -> bool {
        let without_body = |token| match token {
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                TokenTree::Group(Group::new(Delimiter::Brace, TokenStream::new()))
            }
            token => token,
        };
        syn::parse2::<syn::Item>(self.item.clone().into_iter().map(without_body).collect()).is_ok()
    }
}

/// What stands in the parentheses, if this is the bracket of one of our attributes.
fn arguments(token: &TokenTree) -> Option<TokenStream> {
    let TokenTree::Group(bracket) = token else { return None };
    let inner: Vec<TokenTree> = bracket.stream().into_iter().collect();
    match inner.as_slice() {
        [name] if is_ours(name) => Some(TokenStream::new()),
        [name, TokenTree::Group(arguments)] if is_ours(name) => Some(arguments.stream()),
        _ => None,
    }
}

fn is_ours(name: &TokenTree) -> bool {
    matches!(name.to_string().as_str(), "daemon" | "repeat_daemon")
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

fn depth(tokens: &TokenStream) -> usize {
    let inner = |token| match token {
        TokenTree::Group(group) => 1 + depth(&group.stream()),
        _ => 0,
    };
    tokens.clone().into_iter().map(inner).max().unwrap_or(0)
}

/// The sentences that a compiler would show, and where: `::core::compile_error! { "sentence" }`.
fn mistakes_in(code: TokenStream) -> Vec<(String, Range<usize>)> {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    let mistake = |tokens: &[TokenTree]| {
        let [name, _, TokenTree::Group(said)] = tokens else { return None };
        let is_told = name.to_string() == "compile_error";
        let sentence = said.stream().to_string();
        let place = name.span().byte_range().start..said.span().byte_range().end;
        is_told.then(|| (sentence.trim_matches('"').to_owned(), place))
    };
    tokens.windows(3).filter_map(mistake).collect()
}
