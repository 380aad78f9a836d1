//! `#[args]`: the parameter for what the command line gives.

use syn::{Attribute, Error, Meta, PatType, Result, Type, TypeReference};

use super::{bare, is_named};
use crate::mistakes::Mistakes;

/// The parameter that the flags of the command line go to.
pub(crate) struct Flags<'a> {
    /// What the flags are read as: what implements `clap::Args`.
    pub(crate) ty: &'a Type,
    pub(crate) passed: Passed,
}

/// How a worker wants what it is given.
#[derive(Clone, Copy)]
pub(crate) enum Passed {
    ByValue,
    ByReference,
}

impl<'a> Flags<'a> {
    pub(super) fn new(ty: &'a Type) -> Self {
        match bare(ty) {
            Type::Reference(reference) => Self { ty: &reference.elem, passed: Passed::ByReference },
            _ => Self { ty, passed: Passed::ByValue },
        }
    }
}

/// Whether an attribute of a parameter is ours.
pub(crate) fn is_args(attribute: &Attribute) -> bool {
    attribute.path().is_ident("args")
}

/// What can be wrong with the parameter by itself.
pub(super) fn check(parameter: &PatType, mistakes: &mut Mistakes) {
    mistakes.extend(misused_marks(&parameter.attrs));
    mistakes.note(check_type(&parameter.ty));
}

fn check_type(ty: &Type) -> Result<()> {
    let sentence = match bare(ty) {
        Type::Reference(TypeReference { mutability: Some(_), .. }) => {
            "a worker cannot change the flags of its command line: write `T` or `&T`"
        }
        Type::Reference(TypeReference { elem, .. }) if is_named(elem, "Context") || is_named(elem, "Tick") => {
            "this comes from the daemon and not from its command line: remove `#[args]`"
        }
        Type::Reference(TypeReference { lifetime: Some(_), .. }) => {
            "flags are lent for one call of the worker: leave the lifetime out, or take them by value"
        }
        Type::ImplTrait(_) => "a worker is not generic, because nobody could choose for it: write the type out",
        _ => return Ok(()),
    };
    Err(Error::new_spanned(ty, sentence))
}

fn misused_marks(attributes: &[Attribute]) -> impl Iterator<Item = Error> {
    let marks = attributes.iter().filter(|attribute| is_args(attribute)).enumerate();
    marks.filter_map(|(before, mark)| match &mark.meta {
        Meta::Path(_) if before == 0 => None,
        Meta::Path(_) => Some(Error::new_spanned(mark, "`#[args]` is said once: remove this one")),
        _ => Some(Error::new_spanned(mark, "`#[args]` takes no value: its flags are those of the parameter's type")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::{FnArg, parse_quote};

    fn told(parameter: FnArg) -> Vec<String> {
        let mut mistakes = Mistakes::default();
        let FnArg::Typed(parameter) = parameter else { panic!("a receiver") };
        check(&parameter, &mut mistakes);
        mistakes.told()
    }

    #[test]
    fn a_type_and_a_reference_to_it_are_taken() {
        for flags in [parse_quote!(#[args] o: a::T<u8>), parse_quote!(#[args] T { a, .. }: &T)] {
            assert_eq!(told(flags), Vec::<String>::new());
        }
    }

    #[test]
    fn a_type_that_flags_cannot_have_is_refused() {
        assert!(told(parse_quote!(#[args] o: &mut T))[0].contains("cannot change"));
        assert!(told(parse_quote!(#[args] c: &Context))[0].contains("from the daemon"));
        assert!(told(parse_quote!(#[args] t: &(rt::Tick)))[0].contains("from the daemon"));
        assert!(told(parse_quote!(#[args] o: &'static T))[0].contains("lifetime"));
        assert!(told(parse_quote!(#[args] o: impl Args))[0].contains("not generic"));
    }

    #[test]
    fn the_mark_is_a_word_said_once() {
        assert!(told(parse_quote!(#[args(flatten)] o: T))[0].contains("no value"));
        assert!(told(parse_quote!(#[args = 1] o: T))[0].contains("no value"));
        assert!(told(parse_quote!(#[args] #[args] o: T))[0].contains("once"));
    }
}
