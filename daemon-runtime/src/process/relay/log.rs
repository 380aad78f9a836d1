//! A log as the relay writes to it: what it does not take is dropped and counted, and told there as soon as it takes
//! something again.

use std::io;

use nix::errno::Errno;

use super::Which;
use super::missing::Missing;

/// sd-daemon(3), `SD_WARNING`.
const WARNING: &str = "<4>";

/// Where the lines of a stream go.
pub(super) trait Sink {
    /// Takes whole lines, or a piece of one that is too long to be kept; how much was taken. The rest is offered again.
    fn take(&mut self, lines: &[u8]) -> io::Result<usize>;

    /// Whether a line may begin with its priority there, as in the journal and in syslog.
    fn is_systems(&self) -> bool {
        false
    }
}

/// A sink, and what it is still to be given.
#[derive(Debug)]
pub(super) struct Log<S> {
    sink: S,
    /// The end of a line that stands in it by half.
    rest: Vec<u8>,
    missing: Missing,
    tail: Tail,
    /// What is missing of the line that each stream is at.
    cuts: [Cut; 2],
}

/// How the log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    Whole,
    /// Within a line of this stream, which goes on.
    Open(Which),
    /// Within a line whose end is missing.
    Broken,
}

/// What is missing of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Nothing,
    /// A part of it, and so all that follows is left out too; the line is among those that are still to be told of.
    Untold,
    /// The same, and it was told of.
    Told,
}

impl<S: Sink> Log<S> {
    /// `missing`: what the program's image before this one had left to tell.
    pub(super) fn new(sink: S, missing: Missing) -> Self {
        let tail = if missing.breaks_off { Tail::Broken } else { Tail::Whole };
        Self { sink, rest: Vec::new(), missing, tail, cuts: [Cut::Nothing; 2] }
    }

    pub(super) fn sink(&self) -> &S {
        &self.sink
    }

    /// Passes on whole lines, or a piece of one.
    pub(super) fn pass(&mut self, by: Which, bytes: &[u8]) {
        let bytes = self.leave_out_rest(by, bytes);
        if bytes.is_empty() {
            return;
        }
        let is_ready = self.catch_up().and_then(|()| self.end_line_of_other(by));
        match is_ready.map_err(|error| (0, error)).and_then(|()| self.write(bytes)) {
            Ok(()) => self.tail = Tail::after(by, bytes),
            Err((taken, error)) => self.fall_behind(by, bytes, taken, &error),
        }
    }

    /// Whether something is still to be told, or a line to be ended.
    pub(super) fn is_behind(&self) -> bool {
        !self.rest.is_empty() || self.missing.lines > 0
    }

    /// Ends the line that stands by half, and tells what is missing.
    pub(super) fn catch_up(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        self.write(&rest).map_err(|(taken, error)| self.keep(&rest, taken, error))?;
        let Some(told) = self.missing.told() else { return Ok(()) };
        let told = if self.sink.is_systems() { format!("{WARNING}{told}") } else { told };
        let line = if self.tail == Tail::Whole { told } else { format!("\n{told}") };
        match self.write(line.as_bytes()) {
            Err((0, error)) => Err(error),
            // Where only its beginning is there, what is told is told all the same: its end will come.
            begun => {
                self.is_told();
                begun.map_err(|(taken, error)| self.keep(line.as_bytes(), taken, error))
            }
        }
    }

    /// For the next image of the program: what is missing, also of the line that stands by half.
    pub(super) fn give_up(&mut self) -> Missing {
        if !self.rest.is_empty() {
            self.missing.add(1, self.rest.len(), self.missing.errno);
            self.rest.clear();
            self.tail = Tail::Broken;
        }
        Missing { breaks_off: self.tail == Tail::Broken, ..self.missing }
    }

    /// For the log that takes this one's place: what is missing, and of which lines the rest is to be left out.
    pub(super) fn part(&mut self) -> (Missing, [Cut; 2]) {
        let missing = Missing { breaks_off: false, ..self.give_up() };
        self.missing = Missing::default();
        (missing, self.cuts)
    }

    /// The other way round.
    pub(super) fn inherit(&mut self, (missing, cuts): (Missing, [Cut; 2])) {
        self.missing.add_all(missing);
        for (cut, before) in self.cuts.iter_mut().zip(cuts).filter(|(_, before)| *before != Cut::Nothing) {
            *cut = before;
        }
    }

    fn is_told(&mut self) {
        self.missing = Missing { lines: 0, bytes: 0, ..self.missing };
        self.tail = Tail::Whole;
        for cut in self.cuts.iter_mut().filter(|cut| **cut == Cut::Untold) {
            *cut = Cut::Told;
        }
    }

    /// Offers it until all of it is taken; else how much was, and why no more.
    fn write(&mut self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut taken = 0;
        while let Some(left) = bytes.get(taken..).filter(|left| !left.is_empty()) {
            match self.sink.take(left) {
                Ok(0) => return Err((taken, Errno::EIO.into())),
                Ok(more) => taken += more.min(left.len()),
                Err(error) => return Err((taken, error)),
            }
        }
        Ok(())
    }

    /// Keeps what was not taken, to be offered before all else.
    fn keep(&mut self, bytes: &[u8], taken: usize, error: io::Error) -> io::Error {
        self.rest = bytes.get(taken..).unwrap_or_default().to_vec();
        error
    }

    /// Leaves out what belongs to a line of which a part is missing already; what comes after it.
    fn leave_out_rest<'b>(&mut self, by: Which, bytes: &'b [u8]) -> &'b [u8] {
        if self.cuts[by as usize] == Cut::Nothing {
            return bytes;
        }
        let (rest, next) = bytes.split_at(end_of_line(bytes));
        self.lose(by, rest, self.missing.errno);
        next
    }

    /// A line of one stream is not continued by the other.
    fn end_line_of_other(&mut self, by: Which) -> io::Result<()> {
        if matches!(self.tail, Tail::Whole) || self.tail == Tail::Open(by) {
            return Ok(());
        }
        self.write(b"\n").map_err(|(_, error)| error)?;
        self.tail = Tail::Whole;
        Ok(())
    }

    /// The line in which it stopped is to be ended later; what comes after it is lost.
    fn fall_behind(&mut self, by: Which, bytes: &[u8], taken: usize, error: &io::Error) {
        let (there, left) = bytes.split_at(taken.min(bytes.len()));
        if !there.is_empty() {
            self.tail = Tail::after(by, there);
        }
        let is_within_line = !there.is_empty() && !there.ends_with(b"\n");
        let (rest, lost) = left.split_at(if is_within_line { end_of_line(left) } else { 0 });
        if is_within_line {
            self.rest = rest.to_vec();
            self.tail = Tail::after(by, rest);
        }
        self.lose(by, lost, error.raw_os_error().unwrap_or(Errno::EIO as i32));
    }

    fn lose(&mut self, by: Which, bytes: &[u8], errno: i32) {
        if bytes.is_empty() {
            return;
        }
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').count();
        let is_counted = self.cuts[by as usize] == Cut::Untold;
        self.missing.add(lines - usize::from(is_counted), bytes.len(), errno);
        self.cuts[by as usize] = if bytes.ends_with(b"\n") { Cut::Nothing } else { Cut::Untold };
        if self.tail == Tail::Open(by) {
            self.tail = Tail::Broken;
        }
    }
}

impl Tail {
    fn after(by: Which, bytes: &[u8]) -> Self {
        if bytes.ends_with(b"\n") { Self::Whole } else { Self::Open(by) }
    }
}

/// Where the first line ends; at the end, where none does.
fn end_of_line(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    const OUT: Which = Which::Out;
    const ERR: Which = Which::Err;
    const FULL: i32 = nix::libc::ENOSPC;

    /// What a sink does, one after the other; then it takes all.
    #[derive(Debug, Clone, Copy)]
    enum Does {
        Takes(usize),
        Fails(i32),
    }
    use Does::{Fails, Takes};

    #[derive(Default)]
    struct Script(VecDeque<Does>, Vec<u8>);

    impl Sink for Script {
        fn take(&mut self, lines: &[u8]) -> io::Result<usize> {
            let length = match self.0.pop_front() {
                Some(Fails(errno)) => return Err(io::Error::from_raw_os_error(errno)),
                Some(Takes(length)) => length,
                None => lines.len(),
            };
            self.1.extend_from_slice(&lines[..length]);
            Ok(length)
        }
    }

    fn log(script: &[Does]) -> Log<Script> {
        Log::new(Script(script.iter().copied().collect(), Vec::new()), Missing::default())
    }

    fn text(log: &Log<Script>) -> &str {
        std::str::from_utf8(&log.sink().1).expect("text")
    }

    fn told(lines: &str, bytes: &str) -> String {
        let are = if lines == "1 line" { "is" } else { "are" };
        let why = "because the log could not be written: No space left on device";
        format!("warning: {lines} ({bytes}) {are} missing here, {why}\n")
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_counted_and_told_before_the_next_line() {
        let mut log = log(&[Takes(4), Fails(FULL), Fails(FULL)]);
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            log.pass(OUT, line.as_bytes());
        }
        assert_eq!(text(&log), format!("one\n{}four\n", told("2 lines", "10 bytes")));
        assert!(!log.is_behind());
    }

    #[test]
    fn a_line_that_stands_by_half_is_ended_before_anything_else() {
        let mut log = log(&[Takes(2), Fails(FULL), Takes(1), Fails(FULL)]);
        log.pass(OUT, b"one\ntwo\n");
        assert!(log.is_behind());
        log.pass(ERR, b"lost\n");
        assert_eq!(text(&log), "one");
        log.pass(OUT, b"four\n");
        assert_eq!(text(&log), format!("one\n{}four\n", told("2 lines", "9 bytes")));
    }

    #[test]
    fn it_is_told_without_a_next_line_too() {
        let mut log = log(&[Fails(FULL), Fails(FULL)]);
        log.pass(OUT, b"one\n");
        assert!(log.is_behind() && log.catch_up().is_err() && log.is_behind());
        log.catch_up().expect("taken");
        assert_eq!((text(&log), log.is_behind()), (told("1 line", "4 bytes").as_str(), false));
    }

    #[test]
    fn a_line_that_tells_and_is_taken_by_half_is_told_once() {
        let mut log = log(&[Fails(FULL), Takes(20), Fails(FULL)]);
        log.pass(OUT, b"one\n");
        log.pass(OUT, b"two\n");
        log.pass(OUT, b"three\n");
        assert_eq!(text(&log), format!("{0}{0}three\n", told("1 line", "4 bytes")));
    }

    #[test]
    fn a_sink_that_takes_little_at_a_time_gets_everything_once() {
        let mut log = log(&[Takes(1), Takes(2), Takes(3)]);
        log.pass(OUT, b"one\ntwo\nthree\n");
        assert_eq!(text(&log), "one\ntwo\nthree\n");
    }

    #[test]
    fn one_that_takes_nothing_has_failed() {
        let mut log = log(&[Takes(0)]);
        log.pass(OUT, b"one\n");
        assert!(log.is_behind());
        assert_eq!(log.missing, Missing { lines: 1, bytes: 4, errno: nix::libc::EIO, breaks_off: false });
    }

    #[test]
    fn a_line_too_long_comes_in_pieces_and_no_other_comes_in_between() {
        let mut log = log(&[]);
        log.pass(OUT, b"long ");
        log.pass(OUT, b"line ");
        log.pass(ERR, b"other\n");
        log.pass(OUT, b"goes on\n");
        assert_eq!(text(&log), "long line \nother\ngoes on\n");
    }

    #[test]
    fn a_line_whose_beginning_is_missing_is_left_out_to_its_end_and_counted_once() {
        let mut log = log(&[Fails(FULL)]);
        for piece in ["long ", "line ", "ends\nnext\n"] {
            log.pass(OUT, piece.as_bytes());
        }
        assert_eq!(text(&log), format!("{}next\n", told("1 line", "15 bytes")));
    }

    #[test]
    fn a_line_whose_end_is_missing_is_broken_off_where_it_stands() {
        let mut log = log(&[Takes(5), Fails(FULL)]);
        for piece in ["long ", "line ", "ends\nnext\n"] {
            log.pass(OUT, piece.as_bytes());
        }
        assert_eq!(text(&log), format!("long \n{}next\n", told("1 line", "10 bytes")));
    }

    #[test]
    fn a_line_that_was_told_of_is_counted_again_where_more_of_it_is_missing() {
        let mut log = log(&[Fails(FULL)]);
        log.pass(OUT, b"long ");
        log.pass(ERR, b"other\n");
        log.pass(OUT, b"line\n");
        log.pass(OUT, b"next\n");
        let both = [told("1 line", "5 bytes"), "other\n".to_owned(), told("1 line", "5 bytes"), "next\n".to_owned()];
        assert_eq!(text(&log), both.concat());
    }

    #[test]
    fn the_next_image_goes_on_where_this_one_stopped() {
        let mut log = log(&[Takes(2), Fails(FULL), Fails(FULL)]);
        log.pass(OUT, b"one\n");
        log.pass(ERR, b"two\n");
        let mut next = Log::new(Script::default(), log.give_up());
        next.pass(OUT, b"three\n");
        assert_eq!(text(&log), "on");
        assert_eq!(text(&next), format!("\n{}three\n", told("2 lines", "6 bytes")));
    }

    #[test]
    fn the_log_that_takes_its_place_tells_what_it_did_not_take_and_begins_with_a_whole_line() {
        let mut log = log(&[Takes(2), Fails(FULL), Fails(FULL)]);
        log.pass(OUT, b"one\n");
        log.pass(ERR, b"torn ");
        let mut next = Log::new(Script::default(), Missing::default());
        next.inherit(log.part());
        assert!(!log.is_behind());
        next.pass(ERR, b"line\nwhole\n");
        assert_eq!(text(&log), "on");
        assert_eq!(text(&next), format!("{}whole\n", told("2 lines", "12 bytes")));
    }

    #[test]
    fn whatever_a_sink_does_no_line_is_torn_and_every_byte_is_there_or_told() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let script: Vec<Does> = (0..random.usize(0..40))
                .map(|_| if random.bool() { Fails(FULL) } else { Takes(random.usize(1..8)) })
                .collect();
            let mut log = log(&[]);
            let mut written = Vec::new();
            for number in 0..30 {
                let line = format!("{number} {}\n", "x".repeat(random.usize(8..20)));
                log.sink.0.extend(script.get(number).copied());
                log.pass(if random.bool() { OUT } else { ERR }, line.as_bytes());
                written.push(line);
            }
            log.sink.0.clear();
            log.catch_up().expect("taken");
            let mut missing = (0, 0);
            let mut kept: Vec<String> = Vec::new();
            for line in text(&log).split_inclusive('\n') {
                match line.strip_prefix("warning: ") {
                    None => kept.push(line.to_owned()),
                    Some(told) => {
                        let numbers: Vec<usize> = told.split([' ', '(']).filter_map(|w| w.parse().ok()).collect();
                        missing = (missing.0 + numbers[0], missing.1 + numbers[1]);
                    }
                }
            }
            assert!(kept.iter().all(|line| written.contains(line)), "{kept:?}");
            assert!(kept.is_sorted_by_key(|line| written.iter().position(|one| one == line)), "{kept:?}");
            let bytes = |lines: &[String]| lines.iter().map(String::len).sum::<usize>();
            assert_eq!((kept.len() + missing.0, bytes(&kept) + missing.1), (written.len(), bytes(&written)));
        }
    }
}
