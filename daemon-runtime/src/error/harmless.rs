//! Words of whoever it may be, as a person may be shown them: without what a terminal would take for a command, or write in the
//! other direction.

use std::path::Path;

use anstream::adapter::strip_str;

/// On as many lines as they have.
pub(crate) fn harmless_lines(words: &str) -> String {
    // Colours go whole, and not as what would be left of them.
    let words = strip_str(words).to_string();
    words.chars().map(|c| if matches!(c, '\n' | '\t') { c } else { harmless(c) }).collect()
}

/// On one line.
pub(crate) fn harmless(c: char) -> char {
    match c {
        '\n' | '\t' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        _ if c.is_control() || turns(c) => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// A path on one line: as it is, or in quotes and escaped where it holds what a terminal would not show as it is.
pub(crate) fn shown(path: &Path) -> String {
    let plain = path.display().to_string();
    if plain.chars().all(|c| harmless(c) == c) { plain } else { format!("{plain:?}") }
}

/// Whether it turns the direction of what follows.
fn turns(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_go_lines_stay_and_nothing_is_left_that_a_terminal_would_do() {
        let shown = harmless_lines("red \x1b[31mred\x1b[0m\n\x1b]0;owned\x07two\rOK\ttab\x08\u{202e}");
        assert!(shown.starts_with("red red\n") && shown.contains("two OK\ttab"), "{shown:?}");
        assert!(!shown.contains("owned"), "{shown:?}");
    }

    #[test]
    fn a_path_is_shown_as_it_is_unless_that_would_break_its_line() {
        let told = |path: &str| shown(Path::new(path));
        assert_eq!(told("/var/log/it's \"ä\".log"), "/var/log/it's \"ä\".log");
        assert_eq!(told("/a\nb\x1b[2J\u{202e}"), r#""/a\nb\u{1b}[2J\u{202e}""#);
    }

    proptest! {
        #[test]
        fn whatever_the_words_are_they_do_nothing(words in ".{0,60}", more in "[\\x1b\\x07\\r\\n\\]\\[0-9;mJHK]{0,30}") {
            let shown = harmless_lines(&format!("{words}{more}"));
            prop_assert!(shown.chars().all(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns(c))), "{shown:?}");
        }
    }
}
