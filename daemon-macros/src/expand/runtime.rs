//! Where the generated code finds the runtime.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

/// The path of the runtime crate, if the user says that it does not go by its own name.
pub(super) struct Runtime<'a>(pub(super) Option<&'a Path>);

impl Runtime<'_> {
    /// The path as if it had been written at a `place`.
    pub(super) fn at(&self, place: Span) -> TokenStream {
        let Some(path) = self.0 else {
            return quote_spanned!(place=> ::daemon_runtime);
        };
        let moved = path.to_token_stream().into_iter().map(|mut token| {
            // Only located: what `$crate` means depends on the macro that wrote it.
            token.set_span(token.span().located_at(place));
            token
        });
        moved.collect()
    }
}

impl ToTokens for Runtime<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self.0 {
            Some(path) => path.to_tokens(tokens),
            None => tokens.extend(quote!(::daemon_runtime)),
        }
    }
}
