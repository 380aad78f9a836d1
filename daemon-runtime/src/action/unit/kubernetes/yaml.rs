//! YAML of maps and lists in blocks, whose texts are JSON's: YAML takes these as they are (1.2, "JSON compatibility"), so that
//! no text can be taken for something else.

use serde_json::Value;

/// A piece of a document.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// A word of Kubernetes' own, which means itself.
    Word(&'static str),
    /// A text from elsewhere.
    Text(String),
    Number(i64),
    List(Vec<Node>),
    /// In this order.
    Map(Vec<(&'static str, Node)>),
}

impl Node {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn map(pairs: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        Self::Map(pairs.into_iter().collect())
    }

    /// What stands on one line, if it is no block.
    fn scalar(&self) -> Option<String> {
        match self {
            Self::Word(word) => Some((*word).to_owned()),
            Self::Text(text) => Some(quoted(text)),
            Self::Number(number) => Some(number.to_string()),
            Self::List(nodes) => {
                let scalars: Option<Vec<_>> = nodes.iter().map(Self::scalar).collect();
                Some(format!("[{}]", scalars?.join(", ")))
            }
            Self::Map(_) => None,
        }
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Self::Map(pairs) => pairs.iter().flat_map(|(key, node)| node.under(&format!("{key}:"), "  ")).collect(),
            Self::List(nodes) => nodes.iter().flat_map(Self::item).collect(),
            scalar => scalar.scalar().into_iter().collect(),
        }
    }

    fn under(&self, key: &str, indent: &str) -> Vec<String> {
        match self.scalar() {
            Some(scalar) => vec![format!("{key} {scalar}")],
            None => std::iter::once(key.to_owned())
                .chain(self.lines().into_iter().map(|line| format!("{indent}{line}")))
                .collect(),
        }
    }

    fn item(&self) -> Vec<String> {
        let marked = |(number, line)| if number == 0 { format!("- {line}") } else { format!("  {line}") };
        self.lines().into_iter().enumerate().map(marked).collect()
    }
}

pub(super) fn document(node: &Node) -> String {
    node.lines().into_iter().map(|line| line + "\n").collect()
}

/// YAML's readers refuse some characters that JSON lets stand.
fn quoted(text: &str) -> String {
    let is_taken =
        |c: char| !matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}'..='\u{ffff}');
    let escaped = |c: char| if is_taken(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) };
    Value::from(text).to_string().chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn maps_and_lists_stand_in_blocks_and_lists_of_scalars_on_one_line() {
        let inner = Node::map([("a", Node::Number(1)), ("b", Node::map([("c", Node::Word("d"))]))]);
        let words = Node::List(vec![Node::text("x"), Node::text("y: z")]);
        let node = Node::map([("list", Node::List(vec![inner.clone(), inner])), ("words", words)]);
        let text = "list:\n  - a: 1\n    b:\n      c: d\n  - a: 1\n    b:\n      c: d\nwords: [\"x\", \"y: z\"]\n";
        assert_eq!(document(&node), text);
    }

    proptest! {
        #[test]
        fn a_text_is_what_json_reads_and_has_no_character_that_yaml_refuses(text in any::<String>()) {
            let quoted = quoted(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).ok(), Some(text));
            let is_refused = quoted.contains(|c: char| c.is_control() || c == '\u{feff}');
            prop_assert!(!is_refused, "{}", quoted);
        }
    }
}
