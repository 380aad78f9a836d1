//! What the pidfile and the claim say: `PID\n`, and `PID SESSION NAME\n`. Both are written and read here, byte by byte; what is not
//! exactly what we would have written names nobody, because kill(2) would take 0 and -1 for whole crowds.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;

use crate::sys::again::again;

/// More than any text of ours has: two numbers, two blanks, the longest name of a file and a newline.
const LONGEST: usize = 24 + 256;

/// What a claim says, for those who may open it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Note {
    /// Who holds it.
    pub(crate) pid: i32,
    /// The session that is the daemon's alone, if it has one.
    pub(crate) session: Option<i32>,
    /// Its pidfile, without the folder: nobody can put the claim of one daemon into the place of another's.
    pub(crate) name: OsString,
}

/// What a pidfile says.
pub(super) fn of_pidfile(pid: u32) -> String {
    format!("{pid}\n")
}

/// What a claim says.
pub(super) fn of_claim(pid: u32, session: Option<i32>, name: &OsStr) -> Vec<u8> {
    [format!("{pid} {} ", session.unwrap_or(0)).as_bytes(), name.as_bytes(), b"\n"].concat()
}

/// The number in a pidfile; its newline may be missing.
pub(super) fn number(file: &File) -> io::Result<Option<i32>> {
    Ok(number_in(&start_of(file)?))
}

/// What a claim says, if it says anything.
pub(super) fn note(claim: &File) -> io::Result<Option<Note>> {
    Ok(note_in(&start_of(claim)?))
}

pub(crate) fn number_in(bytes: &[u8]) -> Option<i32> {
    positive(bytes.strip_suffix(b"\n").unwrap_or(bytes))
}

pub(crate) fn note_in(bytes: &[u8]) -> Option<Note> {
    let mut words = bytes.strip_suffix(b"\n")?.splitn(3, |byte| *byte == b' ');
    let (pid, session, name) = (positive(words.next()?)?, words.next()?, words.next()?);
    let session = if session == b"0" { None } else { Some(positive(session)?) };
    Some(Note { pid, session, name: OsStr::from_bytes(name).to_owned() }).filter(|note| !note.name.is_empty())
}

/// A pid in plain digits, above 0.
fn positive(digits: &[u8]) -> Option<i32> {
    let pid = std::str::from_utf8(digits).ok()?.parse().ok().filter(|pid: &i32| *pid > 0)?;
    // No sign and no zeros before it: `parse` would take both.
    (pid.to_string().as_bytes() == digits).then_some(pid)
}

/// What a file begins with, as far as it can be ours; all of a longer one counts as nothing, so that no number is cut off.
fn start_of(file: &File) -> io::Result<Vec<u8>> {
    let mut start = [0_u8; LONGEST];
    let length = again(|| file.read_at(&mut start, 0))?;
    Ok(start.get(..length).filter(|_| length < LONGEST).unwrap_or_default().to_vec())
}

/// What must hold for any bytes: only one plain number above 0 names anybody, and it is the one that stands there.
#[cfg(any(test, fuzzing))]
pub(crate) fn is_read_strictly(bytes: &[u8]) {
    if let Some(pid) = number_in(bytes) {
        assert!(pid > 0);
        let text = pid.to_string();
        assert!(bytes == text.as_bytes() || bytes == of_pidfile(pid.unsigned_abs()).as_bytes(), "{bytes:?} as {pid}");
    }
    if let Some(Note { pid, session, name }) = note_in(bytes) {
        assert!(pid > 0 && session.is_none_or(|session| session > 0));
        assert_eq!(bytes, of_claim(pid.unsigned_abs(), session, &name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn file_with(bytes: &[u8]) -> File {
        let mut file = File::from(
            nix::sys::memfd::memfd_create("pidfile", nix::sys::memfd::MFdFlags::MFD_CLOEXEC).expect("a file"),
        );
        file.write_all(bytes).expect("written");
        file
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs a file")]
    fn only_a_plain_positive_number_names_a_process() {
        let read_back = |text: &str| number(&file_with(text.as_bytes()));
        assert_eq!(read_back("1234\n").expect("read"), Some(1234));
        assert_eq!(read_back("1234").expect("read"), Some(1234));
        assert_eq!(read_back("2147483647\n").expect("read"), Some(i32::MAX));
        for text in [
            "",
            "\n",
            "0\n",
            "-1\n",
            "+7\n",
            " 7\n",
            "7 \n",
            "07\n",
            "7\n8\n",
            "7\n\n",
            "banana\n",
            "2147483648\n",
            "\0\0\0\0\0",
            "99999999999999999999",
        ] {
            assert_eq!(read_back(text).expect("read"), None, "{text:?}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs a file")]
    fn a_number_that_goes_on_where_the_reading_ends_names_nobody() {
        let long = format!("{}1\n", " ".repeat(LONGEST));
        for text in ["000000000000000000001234567\n", &"1".repeat(LONGEST), &long] {
            assert_eq!(number(&file_with(text.as_bytes())).expect("read"), None, "{text:?}");
            assert_eq!(note(&file_with(text.as_bytes())).expect("read"), None, "{text:?}");
        }
    }

    #[test]
    fn half_of_a_note_names_nobody() {
        for text in ["7\n", "7 8 x", "7  8 x\n", "7 8\n", "7 8 \n", "0 8 x\n", "7 -8 x\n", "7 08 x\n", "7 \n", " 8 x\n"]
        {
            assert_eq!(note_in(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_strictly(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            is_read_strictly(&bytes);
        }

        #[test]
        fn what_looks_like_a_note_is_read_strictly(text in "[0-9]{1,11} [-+0]{0,1}[0-9]{1,11}[ x]{0,3}\n?") {
            is_read_strictly(text.as_bytes());
        }

        #[test]
        fn what_looks_like_a_number_is_read_strictly(text in "[-+ 0]{0,2}[0-9]{1,11}[ \n]{0,2}[-+0-9]{0,4}\n?") {
            is_read_strictly(text.as_bytes());
        }

        #[test]
        fn what_is_written_is_read_back(
            pid in 1..=i32::MAX,
            session in proptest::option::of(1..=i32::MAX),
            name in "[^/\0]{1,63}",
        ) {
            prop_assert_eq!(number_in(of_pidfile(pid.unsigned_abs()).as_bytes()), Some(pid));
            let note = of_claim(pid.unsigned_abs(), session, OsStr::new(&name));
            prop_assert!(note.len() < LONGEST);
            prop_assert_eq!(note_in(&note), Some(Note { pid, session, name: name.into() }));
        }
    }
}
