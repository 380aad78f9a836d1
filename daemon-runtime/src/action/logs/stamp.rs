//! Times as people write them and as lines begin with them.

use anstream::adapter::strip_bytes;
use jiff::Timestamp;
use jiff::fmt::temporal::{DateTimeParser, Pieces, PiecesOffset};
use jiff::tz::{AmbiguousTimestamp, TimeZone};

/// What a time is read as that has no offset from UTC, and so stands for two moments, or none, when the clocks are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InDoubt {
    Earlier,
    Later,
}

/// Reads times; those without an offset from UTC in the zone of this process.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    in_doubt: InDoubt,
}

impl Clock {
    pub(super) fn new(in_doubt: InDoubt) -> Self {
        Self { zone: TimeZone::system(), in_doubt }
    }

    /// A time that is all of the text; a date means the beginning of the day.
    pub(super) fn time(&self, text: &str) -> Option<Timestamp> {
        if let Ok(pieces) = DateTimeParser::new().parse_pieces(text) {
            return self.moment(&pieces);
        }
        let (stamp, behind) = parted(text.as_bytes())?;
        let zone = zone(behind).filter(|zone| behind.strip_prefix(' ') == Some(*zone))?;
        self.in_zone(stamp, zone)
    }

    /// The time that a line begins with, if it does.
    pub(super) fn of_line(&self, head: &[u8]) -> Option<Timestamp> {
        // There may be millions without a time.
        if !matches!(head.first(), Some(b'0'..=b'9' | b'<' | b'[' | b'\x1b')) {
            return None;
        }
        let plain: Vec<u8> = strip_bytes(head).flatten().copied().collect();
        let (stamp, behind) = parted(without_priority(&plain))?;
        let pieces = DateTimeParser::new().parse_pieces(stamp).ok()?;
        if pieces.offset().is_some() {
            return self.moment(&pieces);
        }
        match zone(behind) {
            Some(zone) => self.in_zone(stamp, zone),
            // What is in the brackets may as well be a level.
            None => self.annotated(stamp, behind).or_else(|| self.moment(&pieces)),
        }
    }

    fn moment(&self, pieces: &Pieces<'_>) -> Option<Timestamp> {
        let time = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        let zone = pieces.to_time_zone().ok()?;
        let Some(offset) = pieces.offset() else {
            return self.resolved(zone.as_ref().unwrap_or(&self.zone).to_ambiguous_timestamp(time));
        };
        let moment = offset.to_numeric_offset().to_timestamp(time).ok()?;
        // RFC 9557: `Z` says nothing of the zone's offset; any other contradicts it where it is not the zone's.
        let agrees = offset == PiecesOffset::Zulu
            || zone.is_none_or(|zone| zone.to_offset(moment) == offset.to_numeric_offset());
        agrees.then_some(moment)
    }

    /// A time without an offset, in the zone that is given as a word of its own.
    fn in_zone(&self, stamp: &str, zone: &str) -> Option<Timestamp> {
        let offset = if zone.starts_with(['+', '-']) { zone } else { "Z" };
        self.moment(&DateTimeParser::new().parse_pieces(&format!("{stamp}{offset}")).ok()?)
    }

    /// A time with the zone in brackets right behind it, as RFC 9557 has it.
    fn annotated(&self, stamp: &str, behind: &str) -> Option<Timestamp> {
        let (zone, _) = behind.strip_prefix('[')?.split_once(']')?;
        self.moment(&DateTimeParser::new().parse_pieces(&format!("{stamp}[{zone}]")).ok()?)
    }

    fn resolved(&self, time: AmbiguousTimestamp) -> Option<Timestamp> {
        match self.in_doubt {
            InDoubt::Earlier => time.earlier().ok(),
            InDoubt::Later => time.later().ok(),
        }
    }
}

/// What follows a priority, sd-daemon(3), and an opening bracket.
fn without_priority(line: &[u8]) -> &[u8] {
    let line = match line {
        [b'<', b'0'..=b'9', b'>', rest @ ..] | [b'<', b'0'..=b'9', b'0'..=b'9', b'>', rest @ ..] => rest,
        _ => line,
    };
    line.strip_prefix(b"[").unwrap_or(line)
}

/// What looks like a date and a time of the day, and what stands behind it.
fn parted(line: &[u8]) -> Option<(&str, &str)> {
    let is_at = |at: usize, bytes: &[u8]| line.get(at).is_some_and(|byte| bytes.contains(byte));
    if !(is_at(4, b"-") && is_at(7, b"-") && is_at(10, b"Tt ") && is_at(13, b":")) {
        return None;
    }
    let is_part = |(at, byte): (usize, &u8)| at == 10 || byte.is_ascii_digit() || b"-+:.,Zz".contains(byte);
    let length = line.iter().enumerate().position(|part| !is_part(part)).unwrap_or(line.len());
    // Nothing of a time stands behind that.
    let length = line.iter().take(length).position(|byte| b"Zz".contains(byte)).map_or(length, |zulu| zulu + 1);
    let (stamp, behind) = line.split_at_checked(length)?;
    // What follows may be cut within a character.
    let behind = match std::str::from_utf8(behind) {
        Ok(behind) => behind,
        Err(e) => std::str::from_utf8(behind.get(..e.valid_up_to())?).ok()?,
    };
    Some((std::str::from_utf8(stamp).ok()?.trim_end_matches(['-', '+', ':', '.', ',']), behind))
}

/// The zone that stands as a word of its own behind a time: `+0100`, `+01:00`, or a name of UTC.
fn zone(behind: &str) -> Option<&str> {
    let word = behind.strip_prefix(' ')?.split([' ', ']', ',']).next()?;
    let digits = word.strip_prefix(['+', '-']).map(|offset| offset.replace(':', ""));
    let is_offset =
        digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()));
    (is_offset || ["UTC", "GMT", "Z"].contains(&word)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz;
    use proptest::prelude::*;

    fn clock(in_doubt: InDoubt) -> Clock {
        // Central Europe without a database of zones: an hour ahead, two in summer.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        Clock { zone, in_doubt }
    }

    fn read(line: &str) -> Option<String> {
        clock(InDoubt::Later).of_line(line.as_bytes()).map(|time| time.to_string())
    }

    #[test]
    fn the_usual_time_stamps_of_logs_are_read() {
        for (line, time) in [
            ("2026-11-26T10:00:00Z INFO started", "2026-11-26T10:00:00Z"),
            ("2026-11-26T10:00:00.123456789+01:00 started", "2026-11-26T09:00:00.123456789Z"),
            ("[2026-11-26T10:00:00Z INFO  greeter] started", "2026-11-26T10:00:00Z"),
            ("<6>2026-11-26T10:00:00-05:00: started", "2026-11-26T15:00:00Z"),
            ("<30>[2026-11-26 10:00:00] started", "2026-11-26T09:00:00Z"),
            ("2026-11-26 10:00:00,250 INFO", "2026-11-26T09:00:00.25Z"),
            ("2026-11-26 10:00:00.5: started", "2026-11-26T09:00:00.5Z"),
            ("2026-07-01 10:00:00 in summer", "2026-07-01T08:00:00Z"),
            ("2026-11-26 10:00:00 +0500 started", "2026-11-26T05:00:00Z"),
            ("[2026-11-26 10:00:00 -05:00] started", "2026-11-26T15:00:00Z"),
            ("2026-11-26 10:00:00.25 UTC [17] LOG:  started", "2026-11-26T10:00:00.25Z"),
            ("2026-11-26 10:00:00 -- started", "2026-11-26T09:00:00Z"),
            ("2026-11-26 10:00", "2026-11-26T09:00:00Z"),
            ("2026-11-26T10:00:00[+05:00] started", "2026-11-26T05:00:00Z"),
            ("[2026-11-26T10:00:00.5[UTC]] started", "2026-11-26T10:00:00.5Z"),
            ("2026-11-26 10:00:00[INFO] started", "2026-11-26T09:00:00Z"),
            ("\u{1b}[2m2026-11-26T10:00:00.000001Z\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m x", "2026-11-26T10:00:00.000001Z"),
        ] {
            assert_eq!(read(line).as_deref(), Some(time), "{line}");
        }
    }

    #[test]
    fn what_begins_with_no_time_has_none() {
        for line in [
            "",
            "started",
            " 2026-11-26 10:00:00",
            "2026-11-26",
            "2026-11-26 started",
            "2026-13-26 10:00:00 x",
            "2026-11-26 25:00:00",
            "1795242528,1,0.56",
            "10:00:00 started",
            "<x>2026-11-26 10:00:00",
            "2026-11-2610:00:00",
        ] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_is_the_one_that_was_asked_for() {
        // On 25 October 2026 the clocks go back from 3 to 2.
        let read = |in_doubt| clock(in_doubt).time("2026-10-25 02:30").map(|time| time.to_string());
        assert_eq!(read(InDoubt::Earlier).as_deref(), Some("2026-10-25T00:30:00Z"));
        assert_eq!(read(InDoubt::Later).as_deref(), Some("2026-10-25T01:30:00Z"));
        // On 29 March they go from 2 to 3, and 2:30 is not.
        assert!(clock(InDoubt::Later).time("2026-03-29 02:30").is_some());
        assert_eq!(clock(InDoubt::Later).zone.to_offset(Timestamp::UNIX_EPOCH), tz::offset(1));
    }

    #[test]
    fn a_zone_that_is_named_is_the_zone_and_one_that_is_not_known_is_refused() {
        let time = |text| clock(InDoubt::Earlier).time(text).map(|time| time.to_string());
        for (text, moment) in [
            ("2026-11-26T05:00[+05:00]", Some("2026-11-26T00:00:00Z")),
            ("2026-11-26T05:00+05:00[+05:00]", Some("2026-11-26T00:00:00Z")),
            ("2026-11-26T05:00Z[+05:00]", Some("2026-11-26T05:00:00Z")),
            ("2026-11-26 05:00 +0500", Some("2026-11-26T00:00:00Z")),
            ("2026-11-26 05:00:00.5 -05:00", Some("2026-11-26T10:00:00.5Z")),
            ("2026-11-26 05:00 UTC", Some("2026-11-26T05:00:00Z")),
            ("2026-11-26T05:00+01:00[+05:00]", None),
            ("2026-11-26T05:00[Nowhere/At_All]", None),
            ("2026-11-26 05:00 +0500 or so", None),
            ("2026-11-26 05:00 CET", None),
        ] {
            assert_eq!(time(text).as_deref(), moment, "{text}");
        }
        // Where the system has no database of zones, it is not known.
        if TimeZone::get("America/New_York").is_ok() {
            assert_eq!(time("2026-11-26T05:00[America/New_York]").as_deref(), Some("2026-11-26T10:00:00Z"));
            assert_eq!(read("2026-11-26T05:00:00[America/New_York] x").as_deref(), Some("2026-11-26T10:00:00Z"));
        }
    }

    #[test]
    fn a_date_alone_is_the_beginning_of_its_day() {
        assert_eq!(
            clock(InDoubt::Earlier).time("2026-11-26").map(|t| t.to_string()).as_deref(),
            Some("2026-11-25T23:00:00Z")
        );
        assert_eq!(clock(InDoubt::Earlier).time("yesterday"), None);
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd_to_be_looked_at(line: Vec<u8>, behind in "[ -~]{0,20}") {
            let clock = clock(InDoubt::Later);
            clock.of_line(&line);
            clock.of_line(format!("2026-11-26 10:00:00{behind}").as_bytes());
        }

        #[test]
        fn every_time_is_read_as_it_was_written(seconds in 0_i64..4_000_000_000, text in "[a-z \\]:]{0,10}") {
            let time = Timestamp::from_second(seconds).expect("a time");
            let read = clock(InDoubt::Later).of_line(format!("{time}{text}").as_bytes());
            prop_assert_eq!(read, Some(time));
        }
    }
}
