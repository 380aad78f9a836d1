//! Words as bytes: a tag, a number in little endian, and a text, or two numbers more. Written and read here, without a socket.

use std::borrow::Cow;
use std::io;
use std::ops::Deref;

use super::Word;
use crate::error::within;
use crate::process::stages::Failure;
use crate::spec::hook::When;
use crate::spec::stage::Stage;
use crate::sys::fork::Threads;
use crate::sys::pidfd::PidFd;

/// The longest text of a word; a longer one is cut. It fits into any socket buffer.
const LONGEST_TEXT: usize = 32 * 1024;

/// The longest word.
pub(super) const LONGEST: usize = 1 + size_of::<i32>() + LONGEST_TEXT;

const FORKED: u8 = b'F';
const LEADER: u8 = b'L';
const STAGE: u8 = b'S';
const ENVIRONMENT: u8 = b'V';
const BEFORE: u8 = b'B';
const AFTER: u8 = b'C';
const WORKING: u8 = b'W';
const READY: u8 = b'R';
const PARTED: u8 = b'D';
const FAILED: u8 = b'E';
const PANICKED: u8 = b'P';
const TERMINATED: u8 = b'T';
const ENDED: u8 = b'X';
const ENDED_ALONE: u8 = b'Y';

/// A word as bytes. The words of every good start cost no memory to make: the processes that say them share theirs with
/// others until they write to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    Short([u8; SHORT], usize),
    Long(Vec<u8>),
}

const HEAD: usize = 1 + size_of::<i32>();
const SHORT: usize = HEAD + 2 * size_of::<u64>();

impl Bytes {
    fn number(tag: u8, number: i32) -> Self {
        Self::numbers(tag, number, [0; 2], HEAD)
    }

    fn numbers(tag: u8, number: i32, [one, two]: [u64; 2], length: usize) -> Self {
        let mut bytes = [0; SHORT];
        bytes[0] = tag;
        bytes[1..HEAD].copy_from_slice(&number.to_le_bytes());
        bytes[HEAD..HEAD + 8].copy_from_slice(&one.to_le_bytes());
        bytes[HEAD + 8..].copy_from_slice(&two.to_le_bytes());
        Self::Short(bytes, length)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(bytes, length) => bytes.get(..*length).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

/// That the daemon is there; the handle on it goes beside the bytes.
pub(super) fn of_forked(pid: i32) -> Bytes {
    Bytes::number(FORKED, pid)
}

pub(super) fn of(told: &Word) -> Bytes {
    match told {
        Word::Forked { pid, .. } => of_forked(*pid),
        Word::Undone(failure) => Bytes::Long(of_failure(failure)),
        Word::Working => Bytes::number(WORKING, 0),
        Word::Ready { written } => Bytes::numbers(READY, 0, *written, SHORT),
        Word::Parted => Bytes::number(PARTED, 0),
        Word::Failed(text) => Bytes::Long(word(FAILED, 0, text)),
        Word::Panicked(text) => Bytes::Long(word(PANICKED, 0, text)),
        Word::Terminated { signal } => Bytes::number(TERMINATED, *signal),
        Word::Ended { status } => Bytes::number(ENDED, *status),
        Word::EndedAlone { status } => Bytes::number(ENDED_ALONE, *status),
    }
}

fn of_failure(failure: &Failure) -> Vec<u8> {
    let with = |stage: &Stage, text: &str| format!("{} {text}", stage.word());
    let errno = |source: &io::Error| source.raw_os_error().unwrap_or(0);
    match failure {
        Failure::SessionLeader(source) => word(LEADER, errno(source), &source.to_string()),
        Failure::Stage(stage, source) => word(STAGE, errno(source), &with(stage, &source.to_string())),
        Failure::Environment(Threads { count }) => word(ENVIRONMENT, i32::try_from(*count).unwrap_or(i32::MAX), ""),
        Failure::Hook(When::Before, stage, text) => word(BEFORE, 0, &with(stage, text)),
        Failure::Hook(When::After, stage, text) => word(AFTER, 0, &with(stage, text)),
    }
}

fn word(tag: u8, number: i32, text: &str) -> Vec<u8> {
    [&[tag], &number.to_le_bytes()[..], within(text, LONGEST_TEXT).as_bytes()].concat()
}

/// The word that the bytes are; nothing at the end of the channel, which has none.
pub(super) fn read(bytes: &[u8], handle: Option<PidFd>) -> io::Result<Option<Word>> {
    let Some((tag, rest)) = bytes.split_first() else { return Ok(None) };
    let (number, rest) = rest.split_first_chunk().ok_or_else(garbled)?;
    let number = i32::from_le_bytes(*number);
    let text = String::from_utf8_lossy(rest);
    let word = match (*tag, handle) {
        // 0 and below would mean whole crowds to kill(2).
        (FORKED, Some(handle)) if number > 0 => Word::Forked { pid: number, handle },
        (LEADER | STAGE | ENVIRONMENT | BEFORE | AFTER, _) => Word::Undone(failure(*tag, number, text)?),
        (WORKING, _) => Word::Working,
        (READY, _) => Word::Ready { written: lengths(rest).ok_or_else(garbled)? },
        (PARTED, _) => Word::Parted,
        (FAILED, _) => Word::Failed(text.into_owned()),
        (PANICKED, _) => Word::Panicked(text.into_owned()),
        (TERMINATED, _) => Word::Terminated { signal: number },
        (ENDED, _) => Word::Ended { status: number },
        (ENDED_ALONE, _) => Word::EndedAlone { status: number },
        _ => return Err(garbled()),
    };
    Ok(Some(word))
}

fn lengths(bytes: &[u8]) -> Option<[u64; 2]> {
    let (out, rest) = bytes.split_first_chunk()?;
    Some([u64::from_le_bytes(*out), u64::from_le_bytes(*rest.first_chunk()?)])
}

fn failure(tag: u8, number: i32, text: Cow<'_, str>) -> io::Result<Failure> {
    let source = |text: String| match number {
        0 => io::Error::other(text),
        errno => io::Error::from_raw_os_error(errno),
    };
    let of_stage = || {
        let (word, text) = text.split_once(' ').ok_or_else(garbled)?;
        Ok::<_, io::Error>((Stage::of_word(word).ok_or_else(garbled)?, text.to_owned()))
    };
    Ok(match tag {
        LEADER => Failure::SessionLeader(source(text.into_owned())),
        ENVIRONMENT => Failure::Environment(Threads { count: usize::try_from(number).map_err(|_| garbled())? }),
        BEFORE => of_stage().map(|(stage, text)| Failure::Hook(When::Before, stage, text))?,
        AFTER => of_stage().map(|(stage, text)| Failure::Hook(When::After, stage, text))?,
        _ => of_stage().map(|(stage, text)| Failure::Stage(stage, source(text)))?,
    })
}

fn garbled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the start-up channel carried something that is no word of ours")
}

#[cfg(any(test, fuzzing))]
pub(super) mod promise {
    //! What must hold for any bytes and any word.

    use super::*;

    /// Any bytes are a word or refused, and a word says the same when it is said again.
    pub(crate) fn any_bytes_are_a_word_or_refused(bytes: &[u8]) {
        let Ok(Some(told)) = read(bytes, this_process(bytes)) else { return };
        let again = of(&told);
        assert!(again.len() <= LONGEST);
        // It is the same word, and its number, if it has one.
        let numbers = [bytes, &*again].map(|bytes| bytes.get(1..5));
        assert!(
            again.first() == bytes.first() && (numbers[0] == numbers[1] || numbers[1] == Some(&[0; 4])),
            "{told:?}"
        );
        let heard = heard(&again);
        // Only a text that was cut becomes shorter, and it stays as it is from then on.
        assert!(again.len() == LONGEST || bytes.len() > LONGEST || is_same(&told, &heard), "{told:?} as {heard:?}");
        assert_eq!(again, of(&heard));
    }

    /// A word arrives as it was said.
    #[cfg(test)]
    pub(in crate::process) fn a_word_arrives_as_it_was_said(told: &Word) {
        let heard = heard(&of(told));
        assert!(is_same(told, &heard), "{told:?} as {heard:?}");
    }

    fn heard(bytes: &[u8]) -> Word {
        read(bytes, this_process(bytes)).expect("a word").expect("not the end")
    }

    fn this_process(bytes: &[u8]) -> Option<PidFd> {
        let pid = i32::try_from(std::process::id()).expect("a pid");
        bytes.starts_with(&[FORKED]).then(|| PidFd::open(pid).expect("this process"))
    }

    fn is_same(told: &Word, heard: &Word) -> bool {
        match (told, heard) {
            (Word::Undone(told), Word::Undone(heard)) => is_same_failure(told, heard),
            (Word::Working, Word::Working) | (Word::Parted, Word::Parted) => true,
            (Word::Ready { written: told }, Word::Ready { written: heard }) => told == heard,
            (Word::Failed(told), Word::Failed(heard)) | (Word::Panicked(told), Word::Panicked(heard)) => told == heard,
            (Word::Forked { pid: told, .. }, Word::Forked { pid: heard, .. })
            | (Word::Terminated { signal: told }, Word::Terminated { signal: heard })
            | (Word::Ended { status: told }, Word::Ended { status: heard })
            | (Word::EndedAlone { status: told }, Word::EndedAlone { status: heard }) => told == heard,
            _ => false,
        }
    }

    fn is_same_failure(told: &Failure, heard: &Failure) -> bool {
        let is_same_source = |told: &io::Error, heard: &io::Error| {
            (told.to_string(), told.raw_os_error()) == (heard.to_string(), heard.raw_os_error())
        };
        match (told, heard) {
            (Failure::SessionLeader(told), Failure::SessionLeader(heard)) => is_same_source(told, heard),
            (Failure::Stage(told, why), Failure::Stage(heard, source)) => told == heard && is_same_source(why, source),
            (Failure::Environment(told), Failure::Environment(heard)) => told == heard,
            (Failure::Hook(told, of, why), Failure::Hook(heard, stage, text)) => {
                (told, of, why) == (heard, stage, text)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::stage::STAGES;
    use proptest::prelude::*;

    fn word() -> impl Strategy<Value = Word> {
        let text = || prop_oneof![Just(String::new()), ".{0,40}", "[a-z ]{0,40}"];
        prop_oneof![
            failure().prop_map(Word::Undone),
            Just(()).prop_map(|()| Word::Working),
            any::<[u64; 2]>().prop_map(|written| Word::Ready { written }),
            Just(()).prop_map(|()| Word::Parted),
            text().prop_map(Word::Failed),
            text().prop_map(Word::Panicked),
            any::<i32>().prop_map(|signal| Word::Terminated { signal }),
            any::<i32>().prop_map(|status| Word::Ended { status }),
            any::<i32>().prop_map(|status| Word::EndedAlone { status }),
        ]
    }

    fn failure() -> impl Strategy<Value = Failure> {
        let source = || {
            prop_oneof![
                any::<i32>().prop_filter("0 is no errno", |errno| *errno != 0).prop_map(io::Error::from_raw_os_error),
                ".{0,40}".prop_map(io::Error::other),
                Just(()).prop_map(|()| io::ErrorKind::NotFound.into()),
            ]
        };
        let stage = || proptest::sample::select(&STAGES[..]).prop_map(|(stage, _)| stage);
        prop_oneof![
            source().prop_map(Failure::SessionLeader),
            (stage(), source()).prop_map(|(stage, source)| Failure::Stage(stage, source)),
            (0..=i32::MAX)
                .prop_map(|count| Failure::Environment(Threads { count: count.try_into().expect("a count") })),
            (any::<bool>(), stage(), ".{0,40}").prop_map(|(before, stage, text)| {
                Failure::Hook(if before { When::Before } else { When::After }, stage, text)
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_word_arrives_as_it_was_said(word in word()) {
            promise::a_word_arrives_as_it_was_said(&word);
        }

        #[test]
        #[cfg_attr(miri, ignore = "needs a handle on a process")]
        fn any_bytes_are_a_word_or_refused(tag in "[A-Z]", rest in proptest::collection::vec(any::<u8>(), 0..64)) {
            promise::any_bytes_are_a_word_or_refused(&[tag.as_bytes(), &rest].concat());
        }

        #[test]
        fn a_failure_of_bytes_like_ours_is_a_word_or_refused(
            tag in "[SBC]",
            number in any::<[u8; 4]>(),
            text in "(umask|workdir|streams|nothing)? ?.{0,20}",
        ) {
            promise::any_bytes_are_a_word_or_refused(&[tag.as_bytes(), &number, text.as_bytes()].concat());
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs a handle on a process")]
    fn a_daemon_without_a_number_or_a_handle_is_refused() {
        assert!(read(&of_forked(1), None).is_err());
        for pid in [0, -1, i32::MIN] {
            let handle = PidFd::open(i32::try_from(std::process::id()).expect("a pid")).expect("this process");
            assert!(read(&of_forked(pid), Some(handle)).is_err(), "{pid}");
        }
    }
}
