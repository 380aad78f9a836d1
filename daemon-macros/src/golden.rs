//! Whole expansions, compared with the ones in `golden/`. `UPDATE_GOLDEN=1` writes those anew.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Meta};

use crate::attribute::Kind;
use crate::transform::transform;

#[test]
fn every_expansion_is_as_it_was_read_and_approved() {
    let cases = cases();
    assert!(!cases.is_empty());
    for case in cases {
        let expansion = expand(&read(&case));
        let golden = case.with_extension("").with_extension("out.rs");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &expansion).expect("golden/ can be written");
        }
        assert_eq!(read(&golden), expansion, "{}", golden.display());
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let files = fs::read_dir(folder).expect("golden/ is there").map(|file| file.expect("golden/ can be read").path());
    files.filter(|file| file.to_string_lossy().ends_with(".in.rs")).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn expand(source: &str) -> String {
    let (kind, attribute, item) = take_attribute.parse_str(source).expect("an item with one of the attributes");
    let expansion = syn::parse2(transform(kind, attribute, item)).expect("items");
    prettyplease::unparse(&expansion)
}

/// Does what rustc does: takes our attribute off and leaves the others.
fn take_attribute(input: ParseStream<'_>) -> syn::Result<(Kind, TokenStream, TokenStream)> {
    let attrs = input.call(Attribute::parse_outer)?;
    let (ours, others): (Vec<_>, Vec<_>) = attrs.into_iter().partition(|attr| kind(attr).is_some());
    let kind = ours.first().and_then(kind).ok_or_else(|| input.error("none of our attributes"))?;
    let arguments = match &ours[0].meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    let item: TokenStream = input.parse()?;
    Ok((kind, arguments, quote!(#(#others)* #item)))
}

fn kind(attribute: &Attribute) -> Option<Kind> {
    match attribute.path().get_ident()?.to_string().as_str() {
        "daemon" => Some(Kind::Daemon),
        "repeat_daemon" => Some(Kind::RepeatDaemon),
        _ => None,
    }
}
