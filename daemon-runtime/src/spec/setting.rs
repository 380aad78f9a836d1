//! What a setting may be given as: the value itself, a text that says it, or an `Option` of these.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::expand::Template;
use super::signal::Signal;
use super::stage::Stage;

/// What became of a value that was given for a setting of type `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting<T> {
    /// Nothing was given (`None`): the default holds.
    Unset,
    /// The value.
    Value(T),
    /// What was given cannot be a `T`; every action will say so.
    Refused {
        /// What was given.
        value: String,
        /// Why it cannot be.
        reason: String,
    },
}

/// A value that a setting of type `T` can be given as.
///
/// Wherever a key may be left out, an `Option` is taken too, and `None` means left out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of this key",
    label = "no value for this key",
    note = "paths are given as text, `Path` or `PathBuf`; durations as text like \"5s\" or `Duration`; choices as the \
            words that the key's documentation lists; each of them in an `Option` too"
)]
pub trait IntoSetting<T> {
    /// The value, or why it cannot be one.
    fn into_setting(self) -> Setting<T>;

    /// How it was written, where the value depends on who asks.
    #[doc(hidden)]
    fn as_written(&self) -> Option<String> {
        None
    }
}

impl<T, V: IntoSetting<T>> IntoSetting<T> for Option<V> {
    fn into_setting(self) -> Setting<T> {
        self.map_or(Setting::Unset, IntoSetting::into_setting)
    }

    fn as_written(&self) -> Option<String> {
        self.as_ref().and_then(IntoSetting::as_written)
    }
}

/// Values that are taken as they are.
macro_rules! taken_as_is {
    ($($target:ty: $($given:ty),+;)+) => { $($(
        impl IntoSetting<$target> for $given {
            fn into_setting(self) -> Setting<$target> { Setting::Value(self.into()) }
        }
    )+)+ };
}

taken_as_is! {
    OsString: OsString, &OsStr, &str, String, &String, PathBuf, &Path;
    PathBuf: PathBuf, &PathBuf, &Path, &str, String, &String, &OsStr, OsString, &OsString;
    String: String, &String, &str;
    Duration: Duration;
    bool: bool;
    Detach: Detach;
    CloseFds: CloseFds;
    Output: Output;
    Readiness: Readiness;
    Missed: Missed;
    OnError: OnError;
    i32: i32;
}

impl IntoSetting<PathBuf> for Template {
    fn into_setting(self) -> Setting<PathBuf> {
        match self.expand() {
            Ok(path) => Setting::Value(path),
            Err(reason) => Setting::Refused { value: format!("{:?}", self.text()), reason },
        }
    }

    fn as_written(&self) -> Option<String> {
        Some(self.text().to_owned())
    }
}

/// Texts that are read by a function `&str -> Result<T, String>`.
macro_rules! read_from_text {
    ($($target:ty: $read:expr;)+) => { $(
        impl IntoSetting<$target> for &str {
            fn into_setting(self) -> Setting<$target> {
                match $read(self) {
                    Ok(value) => Setting::Value(value),
                    Err(reason) => Setting::Refused { value: format!("{self:?}"), reason },
                }
            }
        }
        impl IntoSetting<$target> for &String {
            fn into_setting(self) -> Setting<$target> { self.as_str().into_setting() }
        }
        impl IntoSetting<$target> for String {
            fn into_setting(self) -> Setting<$target> { self.as_str().into_setting() }
        }
    )+ };
}

read_from_text! {
    Duration: duration;
    Umask: Umask::read;
    Signal: Signal::read;
    Stage: Stage::read;
    Detach: Detach::read;
    CloseFds: CloseFds::read;
    Output: Output::read;
    Readiness: Readiness::read;
    Missed: Missed::read;
    OnError: OnError::read;
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|e| format!("{e}; write it like \"5s\", \"250ms\" or \"1h 30m\""))
}

/// A choice among words, with its `read` and its `Display`.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            fn read(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("the choices are {}", [$(concat!("\"", $word, "\"")),+].join(", "))),
                }
            }
        }
    };
}

/// Whether `start` goes to the background: the key `detach`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detach {
    /// `"auto"`: detach, unless a manager looks after this very process: as PID 1, with `NOTIFY_SOCKET` set, or with a
    /// super-server's socket as stdin: one that listens, is of the internet, or has a name at either end. A socket that is none of
    /// these is one of a pair (socketpair(2)), which some programs use for pipes.
    Auto,
    /// `true`: always detach.
    Always,
    /// `false`: stay in the foreground.
    Never,
    /// `"exec"`: as `"auto"`, but the program is started anew instead of forked, which a process with threads allows too.
    ///
    /// Its `main` runs again in the session leader and in the daemon, with the same arguments, up to this same call; so
    /// what comes before it must lead there again, and must not mind to be done thrice. Until the stage `streams` what is
    /// printed there goes to the daemon's streams, but for what hooks print.
    ///
    /// The variable that tells a new image what it is stays in its environment if it has threads by then.
    Exec,
}

impl Detach {
    fn read(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            "exec" => Ok(Self::Exec),
            _ => Err("the choices are \"auto\", true, false, \"exec\"".to_owned()),
        }
    }
}

impl IntoSetting<Detach> for bool {
    fn into_setting(self) -> Setting<Detach> {
        Setting::Value(if self { Detach::Always } else { Detach::Never })
    }
}

choice! {
    /// Which descriptors beyond the standard three are closed: the key `close_fds`.
    CloseFds {
        /// Those that the launching program leaked (without close-on-exec); what this program opened stays.
        Inherited = "inherited",
        /// All of them, also what this program opened: what owns one of those must not be used afterwards.
        All = "all",
        /// None.
        None = "none",
    }
}

choice! {
    /// How what the daemon writes to stdout and stderr comes to the files of the keys `stdout` and `stderr`: the key `output`.
    Output {
        /// The files are the daemon's streams. Nothing stands in between: what is written is in the file, also after a `kill
        /// -9`, nothing is copied, and no thread is needed. But `println!` panics where the file cannot be written to, as on a
        /// full disk.
        Direct = "direct",
        /// The streams are pipes, and a thread named `relay` writes what comes through them to the files, in whole lines.
        ///
        /// A line that cannot be written, because the disk is full or broken, or a quota or `RLIMIT_FSIZE` is used up,
        /// is dropped and counted. As soon as the file takes something again, one line in it says how many lines and bytes are
        /// missing there, and why. Nobody who writes ever gets to see an error; whoever writes faster than the disk takes it
        /// waits, as without a relay. A line longer than 64 KiB is passed on in pieces.
        ///
        /// All that was written before the daemon ends is in the files when it has ended, whichever way it ends but by
        /// SIGKILL, a crash or a signal that nobody handles: that loses what the thread has not written yet, at most what a
        /// pipe holds and as much again. A file
        /// that takes nothing and does not fail either, such as a FIFO that nobody reads from, is waited for at most 5
        /// seconds at the end. Order is kept within each of the two streams, not between them.
        ///
        /// Until the daemon is ready, a failing `start` shows what came through stderr even if the file did not take it. With
        /// [`Context::reload`](crate::Context::reload) the pipes go over to the new program, whatever its own `output` is;
        /// what it prints before it comes to the daemon's call goes to the files themselves. Children that outlive the daemon
        /// have nobody left to read what they write, and get SIGPIPE. `/dev/null` is not relayed, and in the foreground,
        /// where the streams stay what they were, nothing is.
        Relayed = "relayed",
    }
}

choice! {
    /// When the daemon counts as ready: the key `ready`.
    Readiness {
        /// At `ready()`, after the first tick that ended well, or when the worker has lived for `settle`.
        Auto = "auto",
        /// At `ready()` only.
        Notify = "notify",
    }
}

choice! {
    /// What becomes of ticks that came due while the body was still running: the key `missed`.
    Missed {
        /// They are left out; the next tick is the next one of the schedule.
        Skip = "skip",
        /// They are made up for, one right after the other.
        Burst = "burst",
        /// The next tick is due `every` after the end of the last one, so the schedule shifts.
        Delay = "delay",
    }
}

choice! {
    /// What a tick that failed or panicked means for the daemon: the key `on_error`.
    OnError {
        /// It is reported on stderr, and the daemon goes on.
        Continue = "continue",
        /// It is reported, and ends the daemon with exit code 1, or 101 after a panic.
        Stop = "stop",
    }
}

/// A file mode creation mask, `0o000` to `0o777`; umask(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Umask(pub(crate) u32);

impl Umask {
    fn read(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        // `from_str_radix` alone would take a sign.
        let is_octal = digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        u32::from_str_radix(digits, 8)
            .ok()
            .filter(|mask| is_octal && *mask <= 0o777)
            .map(Self)
            .ok_or_else(|| "a umask has up to three octal digits, like \"027\" or 0o027".to_owned())
    }
}

macro_rules! umask_from {
    ($($given:ty),+) => { $(
        impl IntoSetting<Umask> for $given {
            fn into_setting(self) -> Setting<Umask> {
                match u32::try_from(self) {
                    Ok(mask) if mask <= 0o777 => Setting::Value(Umask(mask)),
                    _ => Setting::Refused { value: format!("{self:#o}"), reason: "a umask is 0o000 to 0o777".to_owned() },
                }
            }
        }
    )+ };
}

umask_from!(u16, u32, i32);

macro_rules! times_from {
    ($($given:ty),+) => { $(
        impl IntoSetting<u64> for $given {
            fn into_setting(self) -> Setting<u64> {
                match u64::try_from(self) {
                    Ok(times) => Setting::Value(times),
                    Err(_) => Setting::Refused { value: self.to_string(), reason: "a count is 0 or more".to_owned() },
                }
            }
        }
    )+ };
}

times_from!(u8, u16, u32, u64, usize, i32, i64);

impl IntoSetting<u32> for u32 {
    fn into_setting(self) -> Setting<u32> {
        Setting::Value(self)
    }
}

impl IntoSetting<u32> for i32 {
    fn into_setting(self) -> Setting<u32> {
        match u32::try_from(self) {
            Ok(number) => Setting::Value(number),
            Err(_) => Setting::Refused { value: self.to_string(), reason: "a number here is 0 or more".to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set<T>(given: impl IntoSetting<T>) -> Setting<T> {
        given.into_setting()
    }

    #[test]
    fn none_is_left_out_and_some_is_its_value() {
        assert_eq!(set::<bool>(None::<bool>), Setting::Unset);
        assert_eq!(set::<PathBuf>(Some("/x")), Setting::Value(PathBuf::from("/x")));
    }

    #[test]
    fn a_umask_is_read_as_octal_and_bounded() {
        assert_eq!(set::<Umask>("027"), Setting::Value(Umask(0o27)));
        assert_eq!(set::<Umask>(0o077), Setting::Value(Umask(0o77)));
        assert!(matches!(set::<Umask>("1777"), Setting::Refused { .. }));
        assert!(matches!(set::<Umask>("+7"), Setting::Refused { .. }));
        assert!(matches!(set::<Umask>(-1), Setting::Refused { .. }));
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let Setting::Refused { reason, .. } = set::<Missed>("skipp") else { panic!("taken") };
        assert_eq!(reason, r#"the choices are "skip", "burst", "delay""#);
    }

    proptest! {
        #[test]
        fn a_umask_is_what_its_octal_digits_say_and_nothing_else_is_one(
            text in prop_oneof!["(0o)?[0-7]{0,4}", "[-+ 0-9ox_]{0,5}", ".{0,5}"],
        ) {
            let digits = text.strip_prefix("0o").unwrap_or(&text);
            let value = |digit: char| digit.to_digit(8);
            let mask = digits.chars().map(value).try_fold(0, |mask, digit| Some(mask * 8 + digit?));
            match mask.filter(|mask| !digits.is_empty() && *mask <= 0o777) {
                Some(mask) => prop_assert_eq!(set::<Umask>(&text), Setting::Value(Umask(mask))),
                None => prop_assert!(matches!(set::<Umask>(&text), Setting::Refused { .. }), "{:?}", text),
            }
        }

        #[test]
        fn a_duration_is_read_as_it_is_written(secs in 0..=u64::from(u32::MAX), nanos in 0..1_000_000_000_u32) {
            let time = Duration::new(secs, nanos);
            prop_assert_eq!(set::<Duration>(&humantime::format_duration(time).to_string()), Setting::Value(time));
        }

        #[test]
        fn no_text_is_a_duration_without_a_unit(text in "[-+ .0-9]{0,9}") {
            // Zero needs none.
            let is_zero = text.trim_matches(|c: char| c == ' ') == "0";
            prop_assert!(is_zero || matches!(set::<Duration>(&text), Setting::Refused { .. }), "{:?}", text);
        }
    }
}
