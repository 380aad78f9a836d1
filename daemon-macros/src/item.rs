//! Tokens to a free function: its signature, and a body that is never looked into.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Abi, Attribute, Error, Result, Signature, Token, Visibility, token};

/// A function outside of any `impl` or `trait`.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// Opaque, so that a body half-typed or newer than syn is nobody's business but rustc's.
    pub(crate) body: TokenStream,
}

impl Function {
    /// The name as a user would say it: without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// Whether this is where the program starts.
    pub(crate) fn is_main(&self) -> bool {
        self.sig.ident == "main"
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        require_function(input)?;
        attrs.iter().try_for_each(refuse_second_daemon)?;
        let sig = input.parse()?;
        refuse_method(&sig)?;
        require_body(input)?;
        Ok(Self { attrs, vis, sig, body: input.parse()? })
    }
}

fn require_function(input: ParseStream<'_>) -> Result<()> {
    let ahead = input.fork();
    ahead.parse::<Option<Token![const]>>()?;
    ahead.parse::<Option<Token![async]>>()?;
    ahead.parse::<Option<Token![unsafe]>>()?;
    ahead.parse::<Option<Abi>>()?;
    if ahead.peek(Token![fn]) {
        return Ok(());
    }
    Err(input.error(
        "only a function can become a daemon: \
         write `fn NAME()` or `fn NAME(ctx: &Context)` below the attribute",
    ))
}

fn refuse_second_daemon(attribute: &Attribute) -> Result<()> {
    let name = attribute.path().segments.last();
    if name.is_some_and(|last| last.ident == "daemon" || last.ident == "repeat_daemon") {
        return Err(Error::new_spanned(
            attribute,
            "a function becomes one daemon: keep `#[repeat_daemon]` or `#[daemon]`, not both",
        ));
    }
    Ok(())
}

fn refuse_method(sig: &Signature) -> Result<()> {
    let Some(receiver) = sig.receiver() else {
        return Ok(());
    };
    Err(Error::new_spanned(
        receiver,
        "a method cannot become a daemon, because a command line has no `self` to call it on: \
         move the function out of the `impl` block",
    ))
}

fn require_body(input: ParseStream<'_>) -> Result<()> {
    if input.peek(token::Brace) {
        return Ok(());
    }
    Err(input.error("a daemon needs a function with a body: `{ ... }`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(item: &str) -> Option<String> {
        let refused = syn::parse_str::<Function>(item).err();
        refused.map(|mistake| mistake.to_string())
    }

    #[test]
    fn a_body_is_not_looked_into() {
        assert_eq!(refusal("fn w() { let half = ; typed(.) }"), None);
    }

    #[test]
    fn what_is_no_function_is_refused() {
        for item in ["struct S;", "pub const C: u8 = 1;", "unsafe impl Send for S {}", "extern crate c;"] {
            assert!(refusal(item).is_some_and(|told| told.starts_with("only a function")), "{item}");
        }
    }

    #[test]
    fn a_method_is_refused() {
        for item in ["fn m(&self) {}", "fn m(self, ctx: &Context) {}", "fn m(self: Arc<Self>) {}"] {
            assert!(refusal(item).is_some_and(|told| told.starts_with("a method")), "{item}");
        }
    }

    #[test]
    fn a_second_attribute_of_ours_is_refused() {
        for item in ["#[daemon] fn w() {}", "#[daemon_runtime::repeat_daemon(every = 1)] fn w() {}"] {
            assert!(refusal(item).is_some_and(|told| told.contains("one daemon")), "{item}");
        }
    }

    #[test]
    fn a_function_without_a_body_is_refused() {
        assert!(refusal("fn w();").is_some_and(|told| told.contains("body")));
    }
}
