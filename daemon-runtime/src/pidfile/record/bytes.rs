//! A record as it stands in its file: words of eight bytes, two more for each of the last ticks, then the texts, as long as they
//! are.
//!
//! The first word says what it is and in which version of this order, the second how long it is, the third is the sum over all
//! that follows. A program of another version that finds an order it does not know says so.

use std::io;
use std::time::Duration;

use super::recent::{self, Brief, Recent};
use super::text::{ROOM, Text};
use super::{Past, Record};

/// How long the file is, and never more.
pub(crate) const SIZE: usize = 2048;

/// Above the version, which is the last byte.
const KIND: u64 = 0x6461_656d_6f6e_0000;
const VERSION: u64 = 2;

/// Of the words that there always are.
const WORDS: usize = 28;
/// For each of the last ticks.
const WORDS_OF_TICK: usize = 2;
const BEFORE_SUM: usize = 3;
const TEXTS: usize = 3;

const FLAG_PAUSED: u64 = 1;
const FLAG_REPEATS: u64 = 2;
const FLAG_RUNNING: u64 = 4;
const FLAG_NEXT: u64 = 8;
const FLAG_LAST: u64 = 16;
const FLAG_LAST_WELL: u64 = 32;
const FLAG_ASKED: u64 = 64;
const FLAG_ASKED_WELL: u64 = 128;
const FLAG_FAILED: u64 = 256;

const _: () = assert!(8 * (WORDS + WORDS_OF_TICK * recent::ROOM) + TEXTS * ROOM <= SIZE);
// A bit for each says how it ended.
const _: () = assert!(recent::ROOM <= 64);

/// Where a record is put together, again and again.
pub(crate) struct Buffer([u8; SIZE]);

impl Default for Buffer {
    fn default() -> Self {
        Self([0; SIZE])
    }
}

impl Buffer {
    /// The bytes of a record. It asks for no memory.
    pub(super) fn fill(&mut self, record: &Record) -> &[u8] {
        let texts = [&record.error, &record.asked_error, &record.status];
        let ticks = record.recent.as_slice();
        let mut end = 8 * (WORDS + WORDS_OF_TICK * ticks.len());
        for text in texts {
            let bytes = text.as_bytes();
            if let Some(place) = self.0.get_mut(end..end + bytes.len()) {
                place.copy_from_slice(bytes);
            }
            end += bytes.len();
        }
        // Up to a whole word, so that the sum needs to look at nothing else.
        let whole = end.next_multiple_of(8);
        self.0.get_mut(end..whole).unwrap_or_default().fill(0);
        let words = words(record, whole, texts.map(|text| text.as_bytes().len()));
        let words = words.into_iter().chain(ticks.iter().flat_map(|tick| [tick.number, nanos(tick.took)]));
        for (place, word) in self.0.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let sum = sum(self.0.get(8 * BEFORE_SUM..whole).unwrap_or_default());
        self.0.get_mut(16..24).unwrap_or_default().copy_from_slice(&sum.to_le_bytes());
        self.0.get(..whole).unwrap_or_default()
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Buffer")
    }
}

fn words(record: &Record, length: usize, texts: [usize; TEXTS]) -> [u64; WORDS] {
    let (running, since) = record.running.unwrap_or_default();
    let (next, due) = record.next.unwrap_or_default();
    let mut words = [0; WORDS];
    let head = [KIND | VERSION, length as u64, 0, u64::from(record.pid), flags(record)];
    let counts = [record.done, record.failed, record.skipped, record.asked.0, record.asked.1];
    let moments = [running, nanos(since), next, nanos(due)];
    let pasts = [past(record.last), past(record.last_asked)];
    let lengths = texts.map(|length| length as u64);
    let recent = recent(&record.recent);
    let failed = record.last_failed.unwrap_or_default();
    let all = head
        .into_iter()
        .chain(counts)
        .chain(moments)
        .chain(pasts.into_iter().flatten())
        .chain(lengths)
        .chain(recent)
        .chain([failed, record.image]);
    words.iter_mut().zip(all).for_each(|(place, word)| *place = word);
    words
}

fn flags(record: &Record) -> u64 {
    let is_well = |past: Option<Past>| past.is_some_and(|past| past.is_well);
    let flags = [
        (FLAG_PAUSED, record.paused),
        (FLAG_REPEATS, record.repeats),
        (FLAG_RUNNING, record.running.is_some()),
        (FLAG_NEXT, record.next.is_some()),
        (FLAG_LAST, record.last.is_some()),
        (FLAG_LAST_WELL, is_well(record.last)),
        (FLAG_ASKED, record.last_asked.is_some()),
        (FLAG_ASKED_WELL, is_well(record.last_asked)),
        (FLAG_FAILED, record.last_failed.is_some()),
    ];
    flags.iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag).sum()
}

fn past(past: Option<Past>) -> [u64; 3] {
    past.map_or([0; 3], |past| [past.number, nanos(past.at), nanos(past.took)])
}

/// How many of the last ticks there are, and a bit for each that ended well.
fn recent(recent: &Recent) -> [u64; 2] {
    let ticks = recent.as_slice();
    [ticks.len() as u64, ticks.iter().rev().fold(0, |bits, tick| bits << 1 | u64::from(tick.is_well))]
}

/// In nanoseconds, which fill a word after some five hundred years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Two records, or one and half of another, have different sums.
fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
    words.fold(0x9e37_79b9_7f4a_7c15, |sum: u64, word| (sum.rotate_left(23) ^ word).wrapping_mul(0x2545_f491_4f6c_dd1d))
}

/// The record; nothing where this is half of one. An error where it is none that this program knows.
pub(super) fn parse(bytes: &[u8]) -> io::Result<Option<Record>> {
    let word = |at: usize| bytes.get(8 * at..8 * at + 8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes);
    match word(0) {
        Some(kind) if kind == KIND | VERSION => {}
        Some(kind) if kind & !0xff == KIND => {
            return Err(io::Error::other("it is of another version of the program"));
        }
        _ => return Err(io::Error::other("it is no record of a daemon")),
    }
    Ok(parse_whole(bytes))
}

fn parse_whole(bytes: &[u8]) -> Option<Record> {
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(8 * at..8 * at + 8)?.try_into().ok()?));
    let length = usize::try_from(word(1)?).ok().filter(|length| *length >= 8 * WORDS && length % 8 == 0)?;
    let whole = bytes.get(..length)?;
    if sum(whole.get(8 * BEFORE_SUM..)?) != word(2)? {
        return None;
    }
    let flags = word(4)?;
    let has = |flag: u64| flags & flag != 0;
    let time = |at: usize| word(at).map(Duration::from_nanos);
    let past = |at: usize, is_well| Some(Past { number: word(at)?, at: time(at + 1)?, took: time(at + 2)?, is_well });
    let recent = recent_of(&word)?;
    let mut from = 8 * (WORDS + WORDS_OF_TICK * recent.as_slice().len());
    let mut text = |at: usize| {
        let end = from.checked_add(usize::try_from(word(at)?).ok()?)?;
        let text = Text::read(whole.get(from..end)?)?;
        from = end;
        Some(text)
    };
    Some(Record {
        pid: u32::try_from(word(3)?).ok()?,
        image: word(26)?,
        done: word(5)?,
        failed: word(6)?,
        skipped: word(7)?,
        asked: (word(8)?, word(9)?),
        paused: has(FLAG_PAUSED),
        repeats: has(FLAG_REPEATS),
        running: Some((word(10)?, time(11)?)).filter(|_| has(FLAG_RUNNING)),
        next: Some((word(12)?, time(13)?)).filter(|_| has(FLAG_NEXT)),
        last: Some(past(14, has(FLAG_LAST_WELL))?).filter(|_| has(FLAG_LAST)),
        last_asked: Some(past(17, has(FLAG_ASKED_WELL))?).filter(|_| has(FLAG_ASKED)),
        last_failed: word(25).filter(|_| has(FLAG_FAILED)),
        error: text(20)?,
        asked_error: text(21)?,
        status: text(22)?,
        recent,
    })
}

fn recent_of(word: &impl Fn(usize) -> Option<u64>) -> Option<Recent> {
    let count = usize::try_from(word(23)?).ok().filter(|count| *count <= recent::ROOM)?;
    let (well, mut recent) = (word(24)?, Recent::default());
    for tick in 0..count {
        let at = WORDS + WORDS_OF_TICK * tick;
        let took = Duration::from_nanos(word(at + 1)?);
        recent.push(Brief { number: word(at)?, took, is_well: well >> tick & 1 != 0 });
    }
    Some(recent)
}

/// What must hold for any bytes: they are a record that says the same when it is written again, or none.
#[cfg(any(test, fuzzing))]
pub(crate) fn is_understood_or_none(bytes: &[u8]) {
    let Ok(Some(record)) = parse(bytes) else { return };
    let mut buffer = Buffer::default();
    let again = parse(buffer.fill(&record)).expect("ours").expect("whole");
    assert_eq!(again, record);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::allocations;
    use proptest::prelude::*;

    fn time() -> impl Strategy<Value = Duration> {
        any::<u64>().prop_map(Duration::from_nanos)
    }

    fn past() -> impl Strategy<Value = Option<Past>> {
        proptest::option::of(
            (any::<u64>(), time(), time(), any::<bool>()).prop_map(|(number, at, took, is_well)| Past {
                number,
                at,
                took,
                is_well,
            }),
        )
    }

    fn recent() -> impl Strategy<Value = Recent> {
        let tick = (any::<u64>(), time(), any::<bool>());
        proptest::collection::vec(tick, 0..2 * recent::ROOM).prop_map(|ticks| {
            let mut recent = Recent::default();
            for (number, took, is_well) in ticks {
                recent.push(Brief { number, took, is_well });
            }
            recent
        })
    }

    fn text() -> impl Strategy<Value = Text> {
        ".{0,100}".prop_map(|words| Text::of(&words))
    }

    prop_compose! {
        fn record()(
            (pid, image, done, failed, skipped) in any::<(u32, u64, u64, u64, u64)>(),
            (paused, repeats, asked) in any::<(bool, bool, (u64, u64))>(),
            running in proptest::option::of((any::<u64>(), time())),
            next in proptest::option::of((any::<u64>(), time())),
            (last, last_asked) in (past(), past()),
            (error, asked_error, status) in (text(), text(), text()),
            (recent, last_failed) in (recent(), proptest::option::of(any::<u64>())),
        ) -> Record {
            Record {
                pid, image, done, failed, skipped, paused, repeats, running, last, recent, next, asked, last_asked, last_failed, error,
                asked_error, status,
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_told_is_understood(record in record()) {
            let mut buffer = Buffer::default();
            prop_assert_eq!(parse(buffer.fill(&record)).expect("ours"), Some(record));
        }

        #[test]
        fn what_is_half_of_one_record_and_half_of_another_is_neither(one in record(), other in record(), at in 1..SIZE) {
            let (mut before, mut after) = (Buffer::default(), Buffer::default());
            let (one_length, other_length) = (before.fill(&one).len(), after.fill(&other).len());
            prop_assume!(at < one_length.max(other_length));
            let torn: Vec<u8> = after.0[..at].iter().chain(&before.0[at..]).copied().collect();
            let read = parse(&torn).expect("ours");
            prop_assert!(read.is_none() || read.as_ref() == Some(&one) || read.as_ref() == Some(&other));
        }

        #[test]
        fn a_record_with_a_byte_changed_is_none(record in record(), at in any::<proptest::sample::Index>(), by in 1..=u8::MAX) {
            let mut buffer = Buffer::default();
            let mut bytes = buffer.fill(&record).to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            prop_assert!(!matches!(parse(&bytes), Ok(Some(_))));
        }

        #[test]
        fn any_bytes_are_understood_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..SIZE)) {
            is_understood_or_none(&bytes);
        }
    }

    #[test]
    fn what_another_version_or_another_program_has_written_is_told_as_such() {
        let mut buffer = Buffer::default();
        let mut bytes = buffer.fill(&Record::default()).to_vec();
        bytes[0] += 1;
        assert!(parse(&bytes).expect_err("unknown").to_string().contains("another version"));
        assert!(parse(b"4242\nand more").expect_err("unknown").to_string().contains("no record"));
    }

    #[test]
    fn telling_asks_for_no_memory() {
        let mut buffer = Buffer::default();
        let told = || {
            let mut record = Record { done: 7, error: Text::of("no such luck"), ..Record::default() };
            (0..100).for_each(|number| record.recent.push(Brief { number, ..Brief::default() }));
            std::hint::black_box(buffer.fill(&record));
        };
        assert_eq!(allocations::during(told), 0);
    }
}
