//! A log's lines from the last one back, read in blocks from its end: what it holds before them costs nothing.

use super::file::{BLOCK, Log};
use crate::error::Error;

/// How much of a line's beginning can be looked at: colours, a priority, a bracket, and a time stamp are not longer.
pub(super) const HEAD: usize = 128;

/// The beginnings of the lines.
pub(super) struct Backward<'a> {
    log: &'a Log,
    /// What is behind it is not looked at.
    end: u64,
    /// What was read last, and the first bytes of what follows it.
    block: Vec<u8>,
    /// Where the block begins in the file.
    from: u64,
    /// How much of the block is still to be gone through.
    left: usize,
    /// Whether the first line was told.
    is_over: bool,
    size: usize,
}

impl<'a> Backward<'a> {
    /// Of the first `end` bytes.
    pub(super) fn new(log: &'a Log, end: u64) -> Self {
        Self { log, end, block: Vec::new(), from: end, left: 0, is_over: end == 0, size: BLOCK }
    }

    /// Where the line before the one that was told last begins; at first, the last one.
    pub(super) fn next(&mut self) -> Result<Option<u64>, Error> {
        while !self.is_over {
            let unseen = self.block.get(..self.left).unwrap_or_default();
            if let Some(newline) = unseen.iter().rposition(|byte| *byte == b'\n') {
                self.left = newline;
                let start = self.from + newline as u64 + 1;
                // The newline at the very end ends the last line, and begins none.
                if start < self.end {
                    return Ok(Some(start));
                }
            } else if self.from == 0 {
                self.is_over = true;
                return Ok(Some(0));
            } else {
                self.read_before()?;
            }
        }
        Ok(None)
    }

    fn read_before(&mut self) -> Result<(), Error> {
        let from = self.from.saturating_sub(self.size as u64);
        let length = usize::try_from(self.from - from).unwrap_or(self.size);
        let behind = usize::try_from(self.end - self.from).map_or(HEAD, |behind| behind.min(HEAD));
        self.block.resize(length + behind, 0);
        let read = self.log.read_at(&mut self.block, from)?;
        // Less only where the file has become shorter meanwhile.
        self.block.truncate(read);
        self.left = length.min(read);
        self.from = from;
        Ok(())
    }

    /// The first bytes of the line that was told last.
    #[cfg_attr(not(feature = "since"), allow(dead_code, reason = "only times are looked for there"))]
    pub(super) fn head(&self, start: u64) -> &[u8] {
        let at = usize::try_from(start.saturating_sub(self.from)).unwrap_or(usize::MAX);
        let head = self.block.get(at..).unwrap_or_default();
        let head = head.get(..HEAD).unwrap_or(head);
        head.split(|byte| *byte == b'\n').next().unwrap_or_default()
    }

    /// Where the last `count` lines begin.
    pub(super) fn start_of_last(mut self, count: u64) -> Result<u64, Error> {
        let mut start = self.end;
        for _ in 0..count {
            match self.next()? {
                Some(before) => start = before,
                None => break,
            }
        }
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::PathBuf;

    struct Text(PathBuf, Log);

    impl Text {
        fn new(test: &str, bytes: &[u8]) -> Self {
            let path = std::env::temp_dir().join(format!("back-{test}-{}", std::process::id()));
            std::fs::write(&path, bytes).expect("written");
            let log = Log::open(&path).expect("there");
            Self(path, log)
        }
    }

    impl Drop for Text {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    /// The beginnings of all lines, found the plain way.
    fn starts(bytes: &[u8]) -> Vec<usize> {
        let behind = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        std::iter::once(0).chain(behind).filter(|start| *start < bytes.len()).collect()
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![3 => Just(b'\n'), 5 => any::<u8>()], 0..300)
    }

    proptest! {
        #[test]
        fn lines_begin_where_a_naive_reading_finds_them_whatever_the_blocks(bytes in text(), size in 1_usize..40, end in 0_usize..300) {
            let text = Text::new("naive", &bytes);
            let bytes = &bytes[..end.min(bytes.len())];
            let mut backward = Backward { size, ..Backward::new(&text.1, bytes.len() as u64) };
            for start in starts(bytes).into_iter().rev() {
                prop_assert_eq!(backward.next().expect("read"), Some(start as u64));
                let line = bytes[start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
                prop_assert_eq!(backward.head(start as u64), &line[..line.len().min(HEAD)]);
            }
            prop_assert_eq!(backward.next().expect("read"), None);
        }

        #[test]
        fn the_last_lines_and_those_from_a_number_on_are_the_naive_ones(bytes in text(), count in 0_u64..20) {
            let text = Text::new("last", &bytes);
            let starts = starts(&bytes);
            let end = bytes.len() as u64;
            let last = usize::try_from(count).expect("few").min(starts.len());
            let found = Backward { size: 7, ..Backward::new(&text.1, end) }.start_of_last(count).expect("read");
            prop_assert_eq!(found, starts.get(starts.len() - last).map_or(end, |start| *start as u64));
            let from = starts.get(usize::try_from(count.saturating_sub(1)).expect("few"));
            let found = text.1.start_of_line(count, end).expect("read");
            prop_assert_eq!(found, from.map_or(end, |start| *start as u64));
        }
    }

    #[test]
    fn a_line_longer_than_a_block_is_one_line() {
        let long = [b"first\n".to_vec(), vec![b'x'; 3 * BLOCK], b"\nlast".to_vec()].concat();
        let text = Text::new("long", &long);
        let mut backward = Backward::new(&text.1, long.len() as u64);
        let found: Vec<_> = std::iter::from_fn(|| backward.next().expect("read")).collect();
        assert_eq!(found, [long.len() as u64 - 4, 6, 0]);
    }

    #[test]
    fn what_becomes_shorter_while_it_is_read_is_no_failure() {
        let text = Text::new("shorter", b"");
        assert_eq!(Backward::new(&text.1, 100).start_of_last(5).expect("read"), 0);
        text.1.copy(0, 100, |_| panic!("there is nothing")).expect("read");
        assert_eq!(text.1.start_of_line(3, 100).expect("read"), 100);
    }
}
