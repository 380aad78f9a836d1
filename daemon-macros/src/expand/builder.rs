//! The call on the builder, piece by piece.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::{Code, generated};
use crate::doc;
use crate::model::{Call, DefaultName, Ends, Flags, Help, Label, Passed, Schedule, Value, Worker};

impl Code<'_> {
    pub(super) fn constructor(&self, closure: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        match self.settings.schedule {
            Schedule::Once => quote!(#runtime::Daemon::new(#closure)),
            Schedule::Every { key, period } => {
                let repeat = Ident::new("repeat", generated(key.span()));
                quote!(#runtime::Daemon::#repeat(#period, #closure))
            }
        }
    }

    pub(super) fn closure(&self, worker: &Worker<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let handle = worker.handle.map(|place| self.handle(place));
        let flags = worker.flags.as_ref().map(|flags| self.flags(flags));
        let (parameters, values): (Vec<_>, Vec<_>) = handle.into_iter().chain(flags).unzip();
        let function = &self.worker;
        let call = self.awaited(quote!(#function(#(#values),*)), worker.awaited);
        let ending = self.ending(call, &worker.ends);
        quote!(|#(#parameters),*| -> #runtime::Ending { #ending })
    }

    /// The parameter of the closure for a context or a tick, and what the worker gets of it.
    fn handle(&self, place: Span) -> (TokenStream, TokenStream) {
        let handle = Ident::new("__handle", generated(place));
        let ty = self.handle_type();
        (quote!(#handle: &#ty), handle.into_token_stream())
    }

    /// The parameter of the closure for the flags, and what the worker gets of it.
    fn flags(&self, flags: &Flags<'_>) -> (TokenStream, TokenStream) {
        let Flags { ty, passed } = flags;
        let place = ty.span();
        let args = Ident::new("__args", generated(place));
        let runtime = self.runtime.at(place);
        let parameter = quote_spanned!(place=> #args: #runtime::Args<#ty>);
        let value = match passed {
            Passed::ByValue => quote_spanned!(place=> #args.0),
            Passed::ByReference => quote_spanned!(place=> &#args.0),
        };
        (parameter, value)
    }

    /// What the runtime hands in. A tick dereferences to a context, which serves the workers that
    /// take one.
    fn handle_type(&self) -> TokenStream {
        let runtime = &self.runtime;
        match self.settings.schedule {
            Schedule::Once => quote!(#runtime::Context),
            Schedule::Every { .. } => quote!(#runtime::Tick),
        }
    }

    /// The `call` of the worker, waited for if it is `async`. Whether that can be, the runtime knows,
    /// and says it at the place of that word.
    fn awaited(&self, call: TokenStream, asyncness: Option<Span>) -> TokenStream {
        let Some(place) = asyncness else {
            return call;
        };
        let runtime = self.runtime.at(place);
        quote_spanned!(place=> #runtime::__block_on!(#call))
    }

    /// What the `call` of the worker returned, as the runtime understands it.
    fn ending(&self, call: TokenStream, ends: &Ends) -> TokenStream {
        match ends {
            // Whatever is done with a value that never comes is unreachable, and linted.
            Ends::Never => call,
            // As if the user had written it: of a macro within a macro rustc shows the outer one,
            // which would be the whole attribute and not the type that does not fit.
            Ends::With(place) => {
                let runtime = self.runtime.at(*place);
                quote_spanned!(*place=> #runtime::__ending!(#call))
            }
        }
    }

    /// What is known of the daemon without being asked for.
    pub(super) fn labels(&self, default_name: Option<&DefaultName>) -> TokenStream {
        let name = default_name.map(|default| match default {
            DefaultName::OfFunction => self.function.name().to_token_stream(),
            DefaultName::OfProgram => quote!(::core::option_env!("CARGO_BIN_NAME")),
        });
        let name = name.into_iter();
        let about = doc::comment(&self.function.attrs).into_iter();
        let version = quote!(::core::option_env!("CARGO_PKG_VERSION"));
        quote!(#(.name(#name))* #(.about(#about))* .version(#version))
    }

    pub(super) fn calls(&self) -> TokenStream {
        self.settings.calls.iter().map(|call| self.call(call)).collect()
    }

    /// The method stands where the key stands: rustc and editors lead from one to the other.
    fn call(&self, call: &Call<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let place = generated(call.key.span());
        let method = Ident::new(call.method, place);
        let label = call.label.as_ref().map(label);
        let value = match call.value {
            Value::AsWritten(value) => value.to_token_stream(),
            Value::Template(value) => quote!(#runtime::expand(#value)),
            Value::EmptyArray(place) => quote_spanned!(place=> [0_i32; 0]),
        };
        quote_spanned!(place=> .#method(#label #value))
    }
}

/// What comes before the value of an entry.
fn label(label: &Label) -> TokenStream {
    let Label { place, name, help } = label;
    let name = quote_spanned!(generated(*place)=> #name);
    match help {
        Help::Impossible => quote!(#name,),
        Help::Text(help) => quote!(#name, #help,),
        Help::Unsaid => quote!(#name, ::core::option::Option::None::<&str>,),
    }
}
