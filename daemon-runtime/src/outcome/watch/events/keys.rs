//! Keys, as a terminal sends them: a byte each, or a sequence that begins with an escape and need not come in one piece.

use std::time::Duration;

const ESCAPE: u8 = 0x1b;

/// How soon after an escape the rest of a key's sequence follows, over a slow line. If nothing does, it was the key.
const ALONE: Duration = Duration::from_millis(50);

/// After so long nothing follows any more on a sequence that has begun.
const BROKEN_OFF: Duration = Duration::from_secs(1);

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Leave,
    Redraw,
}

/// Reads them, and knows where in a sequence it is.
#[derive(Debug, Default)]
pub(super) struct Keys {
    within: Within,
    /// When the last byte came.
    last: Duration,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Within {
    #[default]
    Nothing,
    /// After an escape.
    Escape,
    /// After what introduces a control sequence: ECMA-48, 5.4.
    Introducer,
    /// In a control sequence, or after a single shift: all up to the final byte.
    Sequence,
}

impl Keys {
    /// What these bytes mean that have come now; the end, if any of them does.
    pub(super) fn read(&mut self, now: Duration, bytes: &[u8]) -> Option<Key> {
        // It could not be looked earlier whether the time was over.
        let mut key = self.wait(now);
        self.last = now;
        for byte in bytes {
            if key == Some(Key::Leave) {
                break;
            }
            key = self.one(*byte).or(key);
        }
        key
    }

    /// What it means that nothing has come until now.
    pub(super) fn wait(&mut self, now: Duration) -> Option<Key> {
        if !self.patience(now)?.is_zero() {
            return None;
        }
        let was = self.within;
        self.within = Within::Nothing;
        (was == Within::Escape).then_some(Key::Leave)
    }

    /// For how long the next byte may still belong to the one before.
    pub(super) fn patience(&self, now: Duration) -> Option<Duration> {
        let whole = match self.within {
            Within::Nothing => return None,
            Within::Escape => ALONE,
            Within::Introducer | Within::Sequence => BROKEN_OFF,
        };
        Some(self.last.saturating_add(whole).saturating_sub(now))
    }

    fn one(&mut self, byte: u8) -> Option<Key> {
        const CTRL_C: u8 = 0x03;
        const CTRL_L: u8 = 0x0c;
        let (next, key) = match (self.within, byte) {
            (_, CTRL_C) | (Within::Escape, ESCAPE) | (Within::Nothing, b'q' | b'Q') => {
                (Within::Nothing, Some(Key::Leave))
            }
            (_, ESCAPE) => (Within::Escape, None),
            (Within::Nothing, CTRL_L) => (Within::Nothing, Some(Key::Redraw)),
            (Within::Escape, b'[') => (Within::Introducer, None),
            // The second is how the console begins its function keys.
            (Within::Escape, b'O') | (Within::Introducer, b'[') => (Within::Sequence, None),
            // Together with Alt, or the final byte.
            (Within::Nothing | Within::Escape, _) | (_, 0x40..=0x7e) => (Within::Nothing, None),
            (Within::Introducer | Within::Sequence, _) => (Within::Sequence, None),
        };
        self.within = next;
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    /// What pieces mean, one soon after the other.
    fn meant(pieces: &[&str]) -> Vec<Option<Key>> {
        let mut keys = Keys::default();
        (0..).zip(pieces).map(|(at, piece)| keys.read(SOON * at, piece.as_bytes())).collect()
    }

    #[test]
    fn each_key_is_judged_by_itself() {
        for bytes in
            ["q", "Q", "xq", "\x1b[Aq", "\x1bOPq", "\x1b[1;5Cq", "\x03", "\x1b[\x03", "\x1b\x1b", "\x1b[[Bq", "\x0cq"]
        {
            assert_eq!(meant(&[bytes]), [Some(Key::Leave)], "{bytes:?}");
        }
        for bytes in
            ["x", "\x1b[A", "\x1bOQ", "\x1b[[Q", "\x1bq", "\x1b[15~", "\x1b[1;2Q", "\x1bO2Q", "\x1b", "\x1b[A\x1b"]
        {
            assert_eq!(meant(&[bytes]), [None], "{bytes:?}");
        }
        assert_eq!(meant(&["\x0c"]), [Some(Key::Redraw)]);
    }

    #[test]
    fn a_sequence_may_come_in_pieces_and_again_and_again() {
        assert_eq!(meant(&["\x1b", "O", "Q", "x\x1bO", "Q", "q"]).iter().position(Option::is_some), Some(5));
        let held = "\x1bOQ".repeat(100);
        let mut keys = Keys::default();
        // As long as what is read at once.
        assert!(held.as_bytes().chunks(64).all(|piece| keys.read(SOON, piece).is_none()));
    }

    #[test]
    fn an_escape_after_which_nothing_comes_leaves_and_a_sequence_is_broken_off() {
        let mut keys = Keys::default();
        assert_eq!((keys.read(SOON, b"\x1b"), keys.wait(SOON), keys.patience(SOON)), (None, None, Some(ALONE)));
        assert_eq!(keys.wait(SOON + ALONE), Some(Key::Leave));
        // What comes afterwards does not undo it.
        keys.read(SOON, b"\x1b");
        assert_eq!(keys.read(SOON + ALONE, b"x"), Some(Key::Leave));
        let mut keys = Keys::default();
        keys.read(SOON, b"\x1bO");
        assert_eq!((keys.wait(SOON + ALONE), keys.wait(SOON + BROKEN_OFF), keys.patience(SOON)), (None, None, None));
        assert_eq!(keys.read(SOON + BROKEN_OFF, b"q"), Some(Key::Leave));
    }
}
