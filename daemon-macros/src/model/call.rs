//! What the builder is told: one call of a method for each key and each entry of a list.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprPath, Ident};

use super::literal::{Literal, bare};
use super::rule::{Rule, array};

/// One method of the builder, called with one value.
pub(crate) struct Call<'a> {
    /// Where the method stands.
    pub(crate) key: &'a Ident,
    pub(crate) method: &'static str,
    /// What comes before the value, if the call is an entry of a list.
    pub(crate) label: Option<Label>,
    pub(crate) value: Value<'a>,
}

/// What an entry of a list is called.
pub(crate) struct Label {
    pub(crate) place: Span,
    pub(crate) name: String,
    pub(crate) help: Help,
}

/// What `--help` says of an entry.
pub(crate) enum Help {
    /// Nothing ever: it is no action.
    Impossible,
    Unsaid,
    Text(String),
}

pub(crate) enum Value<'a> {
    AsWritten(&'a Expr),
    /// A path written out, in which `~` and `$VAR` stand for something.
    Template(&'a Expr),
    /// An array that is empty, of whose elements rustc could not know the type.
    EmptyArray(Span),
}

impl<'a> Value<'a> {
    pub(super) fn of(rule: &Rule, value: &'a Expr) -> Self {
        match rule {
            Rule::File | Rule::Log | Rule::Folder if is_text(value) => Self::Template(value),
            Rule::Each(_) if array::is_empty(value) => Self::EmptyArray(value.span()),
            _ => Self::AsWritten(value),
        }
    }
}

fn is_text(value: &Expr) -> bool {
    matches!(Literal::of(value), Some(Literal::Text(_)))
}

/// A bare `None` has no type by itself, so rustc could not choose what it is an option of; left out it needs none.
pub(super) fn is_none(value: &Expr) -> bool {
    matches!(bare(value), Expr::Path(ExprPath { qself: None, path, .. }) if path.is_ident("None"))
}
