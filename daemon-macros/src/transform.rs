//! The whole way of an attribute and its item to what takes their place. It knows nothing of a compiler, so that it can be
//! tried on any tokens.

use proc_macro2::TokenStream;

use crate::attribute::{Arguments, Kind};
use crate::expand;
use crate::item::Function;
use crate::mistakes::Mistakes;
use crate::model::{Model, Settings};

pub(crate) fn transform(kind: Kind, attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let arguments = Arguments::parse(attribute, &mut mistakes);
    let settings = Settings::new(kind, &arguments, &mut mistakes);
    let Some(function) = mistakes.note(syn::parse2::<Function>(item.clone())) else {
        return expand::untouched(mistakes, item);
    };
    match Model::new(&settings, &function, mistakes) {
        Ok(model) => expand::daemon(&model),
        Err(mistakes) => expand::refused(mistakes, &settings, &function),
    }
}
