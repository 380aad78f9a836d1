//! What is missing in a log, and the line that tells of it.

use std::io;

use crate::error::words;

/// What a log has not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Missing {
    /// Also those of which only a part is missing.
    pub(super) lines: u64,
    pub(super) bytes: u64,
    /// Why the first of them was not taken.
    pub(super) errno: i32,
    /// Whether the log ends within a line.
    pub(super) breaks_off: bool,
}

impl Missing {
    pub(super) fn add(&mut self, lines: usize, bytes: usize, errno: i32) {
        if self.lines == 0 {
            self.errno = errno;
        }
        self.lines = self.lines.saturating_add(lines as u64);
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// What another log has not taken either.
    pub(super) fn add_all(&mut self, other: Self) {
        if self.lines == 0 {
            self.errno = other.errno;
        }
        self.lines = self.lines.saturating_add(other.lines);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// The line that tells of it; none where nothing is missing.
    pub(super) fn told(&self) -> Option<String> {
        let Self { lines, bytes, .. } = self;
        let (lines, are) = match lines {
            0 => return None,
            1 => ("1 line".to_owned(), "is"),
            _ => (format!("{lines} lines"), "are"),
        };
        let bytes = if *bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
        let why = words(&io::Error::from_raw_os_error(self.errno));
        Some(format!("warning: {lines} ({bytes}) {are} missing here, because the log could not be written: {why}\n"))
    }

    /// As it is told to the next image of the program.
    pub(super) fn numbers(&self) -> [u64; 4] {
        [self.lines, self.bytes, u64::try_from(self.errno).unwrap_or_default(), u64::from(self.breaks_off)]
    }

    /// The other way round.
    pub(super) fn of_numbers([lines, bytes, errno, breaks_off]: [u64; 4]) -> Self {
        Self { lines, bytes, errno: i32::try_from(errno).unwrap_or_default(), breaks_off: breaks_off != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_numbers_and_the_reason_in_words() {
        let mut missing = Missing::default();
        assert_eq!(missing.told(), None);
        missing.add(1, 1, nix::libc::ENOSPC);
        let one = "warning: 1 line (1 byte) is missing here, because the log could not be written: ";
        assert_eq!(missing.told(), Some(format!("{one}No space left on device\n")));
        missing.add(2, 40, nix::libc::EIO);
        let more = "warning: 3 lines (41 bytes) are missing here, because the log could not be written: ";
        assert_eq!(missing.told(), Some(format!("{more}No space left on device\n")));
    }

    #[test]
    fn the_next_image_is_told_all_of_it() {
        let missing = Missing { lines: 1, bytes: 2, errno: 3, breaks_off: true };
        assert_eq!(Missing::of_numbers(missing.numbers()), missing);
    }
}
