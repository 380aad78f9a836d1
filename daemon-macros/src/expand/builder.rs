//! The call on the builder, piece by piece.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};

use super::{Code, generated};
use crate::model::{Call, DefaultName, Ends, Schedule, Takes, Value, Worker};

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

    pub(super) fn closure(&self, worker: &Worker) -> TokenStream {
        let runtime = &self.runtime;
        let (parameter, handle) = match worker.takes {
            Takes::Nothing => (None, None),
            Takes::Handle(place) => {
                let handle = Ident::new("__handle", generated(place));
                let ty = self.handle_type();
                (Some(quote!(#handle: &#ty)), Some(handle))
            }
        };
        let function = &self.worker;
        let ending = self.ending(quote!(#function(#handle)), &worker.ends);
        quote!(|#parameter| -> #runtime::Ending { #ending })
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
        let about = self.function.doc().into_iter();
        let version = quote!(::core::option_env!("CARGO_PKG_VERSION"));
        quote!(#(.name(#name))* #(.about(#about))* .version(#version))
    }

    pub(super) fn calls(&self) -> TokenStream {
        self.settings.calls.iter().map(|call| self.call(call)).collect()
    }

    /// The method stands where the key stands: rustc and editors lead from one to the other.
    fn call(&self, call: &Call<'_>) -> TokenStream {
        let runtime = &self.runtime;
        let place = generated(call.method.span());
        let method = Ident::new(&call.method.to_string(), place);
        let value = match call.value {
            Value::AsWritten(value) => value.to_token_stream(),
            Value::Template(value) => quote!(#runtime::expand(#value)),
        };
        quote_spanned!(place=> .#method(#value))
    }
}
