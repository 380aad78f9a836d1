//! The function's half of a daemon: how the worker is called, and what comes back.

mod flags;
mod parameters;

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned as _;
use syn::{Error, Generics, Result, ReturnType, Safety, Signature, Type};

use crate::attribute::Kind;
use crate::mistakes::Mistakes;
pub(crate) use flags::{Flags, Passed, is_args};
use parameters::Parameters;

/// The spans are those of the types as the user wrote them, for rustc to complain at.
pub(crate) struct Worker<'a> {
    /// Where it says that it is `async`.
    pub(crate) awaited: Option<Span>,
    /// A reference to a context or a tick.
    pub(crate) handle: Option<Span>,
    pub(crate) flags: Option<Flags<'a>>,
    pub(crate) ends: Ends,
}

pub(crate) enum Ends {
    Never,
    With(Span),
}

impl<'a> Worker<'a> {
    pub(crate) fn new(kind: Kind, sig: &'a Signature, mistakes: &mut Mistakes) -> Self {
        refuse_qualifiers(sig, mistakes);
        refuse_generics(&sig.generics, mistakes);
        let parameters = Parameters::new(kind, sig);
        parameters.check(mistakes);
        mistakes.note(check_output(kind, &sig.output));
        Self {
            awaited: sig.asyncness.map(|asyncness| asyncness.span()),
            handle: parameters.handle(),
            flags: parameters.flags(),
            ends: ends(&sig.output),
        }
    }
}

fn ends(output: &ReturnType) -> Ends {
    match output {
        ReturnType::Type(_, ty) if is_never(ty) => Ends::Never,
        ReturnType::Type(_, ty) => Ends::With(ty.span()),
        ReturnType::Default => Ends::With(Span::call_site()),
    }
}

fn refuse_qualifiers(sig: &Signature, mistakes: &mut Mistakes) {
    let mut refuse = |qualifier: &dyn ToTokens, sentence| mistakes.add(Error::new_spanned(qualifier, sentence));
    if let Some(constness) = &sig.constness {
        refuse(constness, "a worker is not `const`, because it never runs in the compiler: remove `const`");
    }
    if let Safety::Unsafe(unsafety) = &sig.safety {
        refuse(
            unsafety,
            "a worker is not `unsafe`, because nobody could keep its promises for it: \
             use an `unsafe` block inside of it",
        );
    }
    if let Some(abi) = &sig.abi {
        refuse(abi, "a worker is called by Rust: remove the `extern`");
    }
    if let Some(variadic) = &sig.variadic {
        refuse(variadic, "a worker takes no variable arguments: remove the `...`");
    }
}

fn refuse_generics(generics: &Generics, mistakes: &mut Mistakes) {
    if !generics.params.is_empty() {
        mistakes.add(Error::new_spanned(
            &generics.params,
            "a worker is not generic, because nobody could choose for it: \
             write the types out, and leave lifetimes out",
        ));
    } else if let Some(clause) = &generics.where_clause {
        mistakes.add(Error::new_spanned(clause, "a worker is not generic: remove the `where` clause"));
    }
}

fn check_output(kind: Kind, output: &ReturnType) -> Result<()> {
    match output {
        ReturnType::Type(_, ty) if kind == Kind::RepeatDaemon && is_never(ty) => Err(Error::new_spanned(
            ty,
            "a tick must end before the next one can come: \
                 return `()`, a `Result` or an `ExitCode`",
        )),
        _ => Ok(()),
    }
}

fn is_named(ty: &Type, name: &str) -> bool {
    let Type::Path(named) = bare(ty) else {
        return false;
    };
    let last = named.path.segments.last();
    last.is_some_and(|last| last.ident == name)
}

fn is_never(ty: &Type) -> bool {
    matches!(bare(ty), Type::Never(_))
}

/// The type without what a careful writer, or a `macro_rules!` macro, put around it.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        _ => ty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: Kind, sig: &str) -> Vec<String> {
        let sig = syn::parse_str(sig).expect("a signature");
        let mut mistakes = Mistakes::default();
        Worker::new(kind, &sig, &mut mistakes);
        mistakes.told()
    }

    #[test]
    fn the_shapes_of_a_worker_are_taken() {
        for sig in [
            "fn w()",
            "fn w(ctx: &Context)",
            "fn w(_: &rt::Context) -> !",
            "fn w(&(ref a): &(Context)) -> ExitCode",
            "async fn w(ctx: &Context) -> !",
        ] {
            assert!(told(Kind::Daemon, sig).is_empty(), "{sig}");
        }
        for sig in ["fn w()", "fn w(ctx: &Context)", "fn w(tick: &Tick) -> Result<(), E>"] {
            assert!(told(Kind::RepeatDaemon, sig).is_empty(), "{sig}");
        }
    }

    #[test]
    fn every_qualifier_is_told_in_one_compile() {
        let sig = "const async unsafe extern \"C\" fn w<'a, T>(mut more: ...) where T: Copy";
        assert_eq!(told(Kind::Daemon, sig).len(), 5);
    }

    #[test]
    fn a_tick_that_never_ends_is_refused() {
        assert_eq!(told(Kind::RepeatDaemon, "fn w() -> !").len(), 1);
    }
}
