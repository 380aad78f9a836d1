//! A daemon to the code that builds and runs it. Nothing here can fail.

mod builder;
mod runtime;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::FnArg;

use crate::item::Function;
use crate::mistakes::Mistakes;
use crate::model::{Model, Settings, is_args};
use runtime::Runtime;

/// The function as a dispatcher: one call on the builder.
pub(crate) fn daemon(model: &Model<'_>) -> TokenStream {
    let code = Code::new(model.settings, model.function);
    let new = code.constructor(&code.closure(&model.worker));
    let labels = code.labels(model.default_name.as_ref());
    let calls = code.calls();
    code.dispatcher(&quote!(#new #labels #calls))
}

/// After mistakes: the same item with all of it that is right, so that nothing which follows from a
/// mistake joins it, such as a function that is not found or an import that is not used.
pub(crate) fn refused(mistakes: Mistakes, settings: &Settings<'_>, function: &Function) -> TokenStream {
    let code = Code::new(settings, function);
    let runtime = &code.runtime;
    let new = code.constructor(&quote!(|| -> #runtime::Ending { ::core::unreachable!() }));
    let calls = code.calls();
    let mut tokens = mistakes.into_compile_errors();
    tokens.extend(code.dispatcher(&quote!(#new #calls)));
    tokens
}

/// After mistakes, and where there is no free function: nobody can tell what it was to become.
pub(crate) fn untouched(mistakes: Mistakes, item: TokenStream) -> TokenStream {
    let mut tokens = mistakes.into_compile_errors();
    tokens.extend(item);
    tokens
}

/// A place in the user's code for what the user did not write: errors are shown there, and lints
/// know better.
fn generated(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

struct Code<'a> {
    settings: &'a Settings<'a>,
    function: &'a Function,
    runtime: Runtime<'a>,
    worker: Ident,
}

impl<'a> Code<'a> {
    fn new(settings: &'a Settings<'a>, function: &'a Function) -> Self {
        let name = &function.sig.ident;
        Self {
            settings,
            function,
            runtime: Runtime(settings.runtime),
            worker: format_ident!("__{}_worker", name, span = generated(name.span())),
        }
    }

    fn dispatcher(&self, builder: &TokenStream) -> TokenStream {
        let Function { attrs, vis, sig, .. } = self.function;
        let (fn_token, name) = (&sig.fn_token, &sig.ident);
        let runtime = &self.runtime;
        let (parameter, action) = self.action();
        let worker = self.worker();
        quote! {
            #(#attrs)* #vis #fn_token #name(#parameter) -> #runtime::Outcome {
                #worker
                #builder.dispatch(#action)
            }
        }
    }

    /// The parameter of the dispatcher, if it has one, and what it dispatches.
    fn action(&self) -> (Option<TokenStream>, TokenStream) {
        if self.function.is_main() {
            return (None, quote!(::std::env::args_os()));
        }
        // The values of the attribute stand beside this name, and must not reach it.
        let action = Ident::new("action", Span::mixed_site());
        let runtime = &self.runtime;
        (Some(quote!(#action: impl #runtime::IntoAction)), quote!(#action))
    }

    /// The function under another name, without what only we understand, and else as it was written.
    fn worker(&self) -> TokenStream {
        let mut sig = self.function.sig.clone();
        sig.ident = self.worker.clone();
        sig.inputs.iter_mut().for_each(take_our_mark_off);
        let body = &self.function.body;
        quote!(#sig #body)
    }
}

fn take_our_mark_off(parameter: &mut FnArg) {
    if let FnArg::Typed(parameter) = parameter {
        parameter.attrs.retain(|attribute| !is_args(attribute));
    }
}
