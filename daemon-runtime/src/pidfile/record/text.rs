//! A few words in a record: of a bounded length, cut between two characters, and harmless to a terminal when they are read.

use std::fmt;

use crate::error::{harmless, within};

/// How many bytes there is room for.
pub(super) const ROOM: usize = 248;

/// What stands where words were cut off.
const CUT: &str = "...";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    length: usize,
    bytes: [u8; ROOM],
}

impl Default for Text {
    fn default() -> Self {
        Self { length: 0, bytes: [0; ROOM] }
    }
}

impl Text {
    /// As much of the words as there is room for. It asks for no memory.
    pub(crate) fn of(words: &str) -> Self {
        let mut text = Self::default();
        if words.len() <= ROOM {
            text.push(words);
        } else {
            text.push(within(words, ROOM - CUT.len()));
            text.push(CUT);
        }
        text
    }

    fn push(&mut self, words: &str) {
        let end = self.length + words.len();
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(words.as_bytes());
            self.length = end;
        }
    }

    /// What was read; nothing if it cannot be that.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut text = Self::default();
        text.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        text.length = bytes.len();
        Some(text)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The words as a person may be shown them: on one line, and without what a terminal would take for a command or write
    /// in the other direction. Whoever has written them may be anybody.
    pub(crate) fn shown(&self) -> String {
        let whole = String::from_utf8_lossy(self.as_bytes());
        whole.trim().chars().map(harmless).collect()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_too_long_is_cut_between_two_characters_and_says_so() {
        assert_eq!(Text::of("no such luck").shown(), "no such luck");
        let long = Text::of(&"\u{e4}".repeat(ROOM)).shown();
        assert!(long.len() <= ROOM && long.ends_with("\u{e4}..."), "{long}");
        assert_eq!(Text::of(&"x".repeat(ROOM)).shown(), "x".repeat(ROOM));
    }

    #[test]
    fn nothing_that_is_shown_commands_a_terminal_or_turns_it_round() {
        let shown = Text::of("a\x1b[2J\x07b\u{9b}31m\u{202e}c\r\nd\te\x7f\0").shown();
        assert_eq!(shown, "a\u{fffd}[2J\u{fffd}b\u{fffd}31m\u{fffd}c  d e\u{fffd}\u{fffd}");
    }

    proptest! {
        #[test]
        fn whatever_bytes_there_are_they_are_shown_on_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..ROOM + 9)) {
            let text = Text::read(&bytes);
            prop_assert_eq!(text.is_some(), bytes.len() <= ROOM);
            prop_assert!(text.unwrap_or_default().shown().chars().all(|c| harmless(c) == c));
        }

        #[test]
        fn words_that_have_room_are_shown_as_they_are(words in "[a-z\u{e4}\u{20ac}\u{1f600}:, ]{0,60}") {
            prop_assert_eq!(Text::of(&words).shown(), words.trim());
        }
    }
}
