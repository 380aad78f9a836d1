//! What a worker is called with: a handle on the daemon, and the flags of its command line.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Error, FnArg, PatType, Result, Signature, Type};

use super::flags::{self, Flags, is_args};
use super::{bare, is_named};
use crate::attribute::Kind;
use crate::mistakes::Mistakes;

/// The parameters of a worker, told apart by their marks.
pub(super) struct Parameters<'a> {
    kind: Kind,
    sig: &'a Signature,
    handles: Vec<&'a PatType>,
    flags: Vec<&'a PatType>,
}

impl<'a> Parameters<'a> {
    pub(super) fn new(kind: Kind, sig: &'a Signature) -> Self {
        let typed = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(parameter) => Some(parameter),
            FnArg::Receiver(_) => None,
        });
        let (flags, handles) = typed.partition(|parameter| parameter.attrs.iter().any(is_args));
        Self { kind, sig, handles, flags }
    }

    /// Where the handle is asked for.
    pub(super) fn handle(&self) -> Option<Span> {
        self.handles.first().map(|parameter| parameter.ty.span())
    }

    pub(super) fn flags(&self) -> Option<Flags<'a>> {
        self.flags.first().map(|parameter| Flags::new(&parameter.ty))
    }

    pub(super) fn check(&self, mistakes: &mut Mistakes) {
        mistakes.note(self.check_handle());
        if let Some(second) = self.handles.get(1) {
            let sentence = format!(
                "a worker takes at most one parameter besides its command line: write {}",
                self.shapes_with_args()
            );
            mistakes.add(Error::new_spanned(second, sentence));
        }
        self.flags.iter().for_each(|parameter| flags::check(parameter, mistakes));
        mistakes.note(self.check_place());
    }

    fn check_handle(&self) -> Result<()> {
        let Some(parameter) = self.handles.first() else {
            return Ok(());
        };
        let (complaint, shapes) = match bare(&parameter.ty) {
            Type::Reference(reference) if reference.mutability.is_some() => {
                ("a worker shares what it is given and cannot change it", self.shapes())
            }
            Type::Reference(reference) if self.kind == Kind::Daemon && is_named(&reference.elem, "Tick") => {
                ("only `#[repeat_daemon]` has ticks", self.shapes())
            }
            Type::Reference(_) => return Ok(()),
            _ => ("a worker borrows what it is given", self.shapes_with_args()),
        };
        Err(Error::new_spanned(&parameter.ty, format!("{complaint}: write {shapes}")))
    }

    /// One parameter, and the last one.
    fn check_place(&self) -> Result<()> {
        if let [_, second, ..] = self.flags[..] {
            return Err(Error::new_spanned(
                second,
                "one parameter takes all flags of the command line: put them into one struct",
            ));
        }
        match self.flags.first() {
            Some(flags) if !self.is_last(flags) => {
                let called = self.called();
                let sentence = format!(
                    "`#[args]` belongs to the last parameter: \
                     write `{called}(ctx: &Context, #[args] opts: T)`"
                );
                Err(Error::new_spanned(flags, sentence))
            }
            _ => Ok(()),
        }
    }

    fn is_last(&self, parameter: &PatType) -> bool {
        matches!(self.sig.inputs.last(), Some(FnArg::Typed(last)) if std::ptr::eq(last, parameter))
    }

    fn shapes(&self) -> String {
        let called = self.called();
        match self.kind {
            Kind::Daemon => format!("`{called}()` or `{called}(ctx: &Context)`"),
            Kind::RepeatDaemon => {
                format!("`{called}()`, `{called}(ctx: &Context)` or `{called}(tick: &Tick)`")
            }
        }
    }

    fn shapes_with_args(&self) -> String {
        format!("{}; the flags of its command line come last, as `#[args] opts: T`", self.shapes())
    }

    fn called(&self) -> String {
        let fn_token = if self.sig.asyncness.is_some() { "async fn" } else { "fn" };
        format!("{fn_token} {}", self.sig.ident)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: Kind, sig: &str) -> Vec<String> {
        let sig = syn::parse_str(sig).expect("a signature");
        let mut mistakes = Mistakes::default();
        Parameters::new(kind, &sig).check(&mut mistakes);
        mistakes.told()
    }

    #[test]
    fn flags_come_last_by_value_or_by_reference() {
        for sig in ["fn w(#[args] o: T)", "async fn w(#[args] o: &a::T)", "fn w(c: &Context, #[args] T { a, .. }: T)"] {
            assert!(told(Kind::Daemon, sig).is_empty(), "{sig}");
            assert!(told(Kind::RepeatDaemon, sig).is_empty(), "{sig}");
        }
    }

    #[test]
    fn another_parameter_is_answered_with_the_shapes_that_are_possible() {
        let shapes = "write `fn w()` or `fn w(ctx: &Context)`";
        for sig in ["fn w(c: Context)", "fn w(c: &mut Context)", "fn w(c: &Context, n: u32)", "fn w(t: &rt::Tick)"] {
            let told = told(Kind::Daemon, sig);
            assert!(matches!(&told[..], [only] if only.contains(shapes)), "{sig}: {told:?}");
        }
        assert!(told(Kind::RepeatDaemon, "fn w(t: &mut Tick)").concat().ends_with("or `fn w(tick: &Tick)`"));
        assert!(told(Kind::Daemon, "async fn w(c: &mut Context)").concat().contains("`async fn w()`"));
    }

    #[test]
    fn what_may_have_been_meant_as_flags_is_answered_with_the_mark() {
        for sig in ["fn w(o: T)", "fn w(c: &Context, o: T)"] {
            assert!(told(Kind::Daemon, sig).concat().ends_with("as `#[args] opts: T`"), "{sig}");
        }
    }

    #[test]
    fn flags_are_one_parameter_and_the_last_one() {
        let not_last = told(Kind::Daemon, "fn w(#[args] o: T, c: &Context)");
        assert!(matches!(&not_last[..], [only] if only.contains("belongs to the last parameter")), "{not_last:?}");
        let two = told(Kind::Daemon, "fn w(#[args] o: T, #[args] p: U)");
        assert!(matches!(&two[..], [only] if only.contains("one struct")), "{two:?}");
    }

    #[test]
    fn every_mistake_in_the_parameters_is_told() {
        let sig = "fn w(c: Context, n: u32, #[args(1)] o: &mut T, #[args] p: U)";
        assert_eq!(told(Kind::Daemon, sig).len(), 5);
    }
}
