//! Since when lines are wanted, and where those begin.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::back::Backward;
use super::file::Log;
use super::stamp::{Clock, InDoubt};
use crate::error::Error;

/// How far back a time is looked for where no line has any: a log without times is not read to its beginning.
const FAR_ENOUGH: u64 = 16 << 20;

/// What `--since` says: a time, or a span of time back from now.
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only on a command line a time is text"))]
pub(crate) fn parse(text: &str) -> Result<SystemTime, String> {
    if let Ok(span) = humantime::parse_duration(text) {
        return Ok(SystemTime::now().checked_sub(span).unwrap_or(SystemTime::UNIX_EPOCH));
    }
    let time = Clock::new(InDoubt::Earlier).time(text);
    time.and_then(|time| time.try_into().ok()).ok_or_else(|| {
        "a time is like `2026-11-26 10:00` or `2026-11-26T10:00:00Z`, a span back from now like `10m` or `2h 30m`"
            .to_owned()
    })
}

/// For `journalctl --since`: seconds since 1970.
pub(super) fn in_seconds(since: SystemTime) -> String {
    let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    format!("@{}.{:06}", since.as_secs(), since.subsec_micros())
}

/// Where the lines begin, in the first `end` bytes, that follow the last one that is older than `since`. Not before `floor`.
pub(super) fn start(log: &Log, end: u64, since: SystemTime, floor: u64) -> Result<u64, Error> {
    let written = log.told(log.file.metadata().and_then(|file| file.modified()))?;
    if end == 0 || written < since {
        return Ok(end);
    }
    let clock = Clock::new(InDoubt::Later);
    let since = Timestamp::try_from(since).unwrap_or(Timestamp::MAX);
    let mut lines = Backward::new(log, end);
    let mut young = None;
    while let Some(line) = lines.next()? {
        match clock.of_line(lines.head(line)) {
            Some(time) if time < since => return Ok(young.unwrap_or(end).max(floor)),
            Some(_) if line <= floor => return Ok(floor),
            Some(_) => young = Some(line),
            None if young.is_none() && line > 0 && end - line > FAR_ENOUGH => {
                return Err(undated(log, Some(end - line)));
            }
            None => {}
        }
    }
    // What stands before the first time belongs to no line, and may as well be as young.
    young.map(|_| floor).ok_or_else(|| undated(log, None))
}

/// Where the lines begin between `at` and `end` that are not older than `since`, which was still to come when `at` was the end.
/// What has no time was written when the file was.
pub(super) fn still_to_come(log: &Log, at: u64, end: u64, since: SystemTime) -> Result<u64, Error> {
    if log.told(log.file.metadata().and_then(|file| file.modified()))? < since {
        return Ok(end);
    }
    let clock = Clock::new(InDoubt::Later);
    let since = Timestamp::try_from(since).unwrap_or(Timestamp::MAX);
    let mut lines = Backward::new(log, end);
    let mut young = end;
    while let Some(line) = lines.next()?.filter(|line| *line >= at) {
        match clock.of_line(lines.head(line)) {
            Some(time) if time < since => return Ok(young),
            Some(_) => young = line,
            None => {}
        }
    }
    Ok(at)
}

fn undated(log: &Log, within: Option<u64>) -> Error {
    Error::Undated { path: log.path.clone(), within }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Text(PathBuf);

    impl Text {
        fn new(test: &str, lines: &str) -> Self {
            let path = std::env::temp_dir().join(format!("since-{test}-{}", std::process::id()));
            std::fs::write(&path, lines).expect("written");
            Self(path)
        }

        /// What is shown since then.
        fn since(&self, time: &str, floor: u64) -> Result<String, Error> {
            let log = Log::open(&self.0)?;
            let end = log.len()?;
            let time: Timestamp = time.parse().expect("a time");
            let start = start(&log, end, time.try_into().expect("a time"), floor)?;
            let mut shown = Vec::new();
            log.copy(start, end, |bytes| {
                shown.extend_from_slice(bytes);
                Ok(())
            })?;
            Ok(String::from_utf8(shown).expect("text"))
        }
    }

    impl Drop for Text {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    const LOG: &str = "begun\n2020-11-26T10:00:00Z one\n  more of one\n2020-11-26T11:00:00Z two\n  more of two\n\
                       2020-11-26T12:00:00Z three\n";

    #[test]
    fn what_follows_the_last_older_line_is_shown_with_the_lines_that_belong_to_it() {
        let log = Text::new("follows", LOG);
        let since = |time| log.since(time, 0).expect("read");
        assert_eq!(since("2020-11-26T11:00:00Z"), LOG[LOG.find("2020-11-26T11").expect("there")..]);
        assert_eq!(since("2020-11-26T11:00:01Z"), "2020-11-26T12:00:00Z three\n");
        assert_eq!(since("2020-11-26T12:00:01Z"), "");
        assert_eq!(since("2020-11-26T09:00:00Z"), LOG);
    }

    #[test]
    fn no_more_lines_are_shown_than_were_asked_for() {
        let log = Text::new("floor", LOG);
        let (floor, rest) = (LOG.len() as u64 - 41, &LOG[LOG.len() - 41..]);
        assert_eq!(log.since("2020-11-26T10:30:00Z", floor).expect("read"), rest);
        assert_eq!(log.since("2020-11-26T11:30:00Z", floor).expect("read"), "2020-11-26T12:00:00Z three\n");
        assert_eq!(log.since("2020-11-26T13:00:00Z", floor).expect("read"), "");
    }

    #[test]
    fn without_any_time_there_is_an_error_unless_all_of_it_is_older() {
        let log = Text::new("undated", "one\ntwo\n");
        let told = log.since("2000-01-01T00:00:00Z", 0).expect_err("undated").to_string();
        assert!(told.starts_with(&format!("no line of {} begins with a time", log.0.display())), "{told}");
        assert_eq!(log.since("2999-01-01T00:00:00Z", 0).expect("all is older"), "");
        let large = Text::new("long", &"a line of text\n".repeat(2 << 20));
        let told = large.since("2000-01-01T00:00:00Z", 0).expect_err("undated").to_string();
        assert!(told.starts_with("no line in the last 16 MiB of "), "{told}");
        assert_eq!(Text::new("empty", "").since("2000-01-01T00:00:00Z", 0).expect("nothing"), "");
    }

    #[test]
    fn of_what_is_appended_nothing_older_is_taken_than_a_time_that_was_still_to_come() {
        let log = Text::new("to-come", LOG);
        let opened = Log::open(&log.0).expect("there");
        let (at, end) = (LOG.find("2020-11-26T10").expect("there") as u64, LOG.len() as u64);
        let time = |text: &str| text.parse::<Timestamp>().expect("a time").try_into().expect("a time");
        let found = |text| still_to_come(&opened, at, end, time(text)).expect("read");
        assert_eq!(found("2999-01-01T00:00:00Z"), end);
        assert_eq!(found("2020-11-26T12:30:00Z"), end);
        assert_eq!(found("2020-11-26T11:30:00Z"), LOG.find("2020-11-26T12").expect("there") as u64);
        assert_eq!(found("2020-11-26T09:00:00Z"), at);
        let undated = Text::new("to-come-undated", "one\ntwo\n");
        let opened = Log::open(&undated.0).expect("there");
        assert_eq!(still_to_come(&opened, 4, 8, time("2020-11-26T09:00:00Z")).expect("read"), 4);
    }

    #[test]
    fn a_time_and_a_span_are_understood_and_nothing_else() {
        let hour = SystemTime::now() - parse("1h").expect("a span").elapsed().expect("past");
        assert!(hour <= SystemTime::now());
        assert_eq!(parse("1970-01-01T00:00:10Z"), Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(10)));
        assert_eq!(parse("1970-01-01 01:00 +0100"), Ok(SystemTime::UNIX_EPOCH));
        assert_eq!(parse("1970-01-01 00:00 UTC"), Ok(SystemTime::UNIX_EPOCH));
        assert_eq!(parse("1000000y").map(in_seconds), Ok("@0.000000".into()));
        for text in ["", "soon", "10", "2026-11-31", "10:00", "2026-11-26T05:00[Nowhere/At_All]"] {
            assert!(parse(text).expect_err(text).contains("`10m`"), "{text}");
        }
    }
}
