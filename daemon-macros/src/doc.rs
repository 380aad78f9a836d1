//! Doc comments, as far as they are written out.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of all doc comments among the `attributes`.
pub(crate) fn comment(attributes: &[Attribute]) -> Option<String> {
    let pieces: Vec<_> = attributes.iter().filter_map(text).collect();
    let text = pieces.join("\n");
    let lines = text.trim_end().split('\n').map(without_leading_blank);
    Some(lines.collect::<Vec<_>>().join("\n")).filter(|doc| !doc.is_empty())
}

/// What an attribute says if it is a doc comment.
pub(crate) fn text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    match &meta.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if meta.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

fn without_leading_blank(line: &str) -> &str {
    line.strip_prefix(' ').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse::Parser as _;

    fn read(attributes: &str) -> Option<String> {
        let attributes = Attribute::parse_outer.parse_str(attributes).expect("attributes");
        comment(&attributes)
    }

    #[test]
    fn a_doc_comment_keeps_its_lines_and_its_indentation() {
        let attributes = "/// One.\n///\n///   - two\n/** Three.\n Four. */";
        assert_eq!(read(attributes).as_deref(), Some("One.\n\n  - two\nThree.\nFour."));
    }

    #[test]
    fn no_doc_comment_is_no_text() {
        assert_eq!(read("#[doc = include_str!(\"x\")] #[doc(hidden)] /// \n"), None);
    }
}
