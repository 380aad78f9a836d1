//! The program's own actions, in the process that was run.

use crate::error::Error;
use crate::spec::Spec;

pub(crate) fn custom(spec: &Spec, name: &str) -> Result<(), Error> {
    let known = spec.actions.iter().find(|action| action.name == name.replace('_', "-"));
    match known {
        Some(action) => (action.hook)().map_err(|text| Error::Action { name: name.to_owned(), text }),
        None => Err(Error::Action { name: name.to_owned(), text: format!("there is no action `{name}`") }),
    }
}
