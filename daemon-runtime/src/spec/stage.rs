//! The stages on the way to a daemon, in their order.

use super::setting::{IntoSetting, Setting};

/// A stage on the way to a daemon: what the hooks `before` and `after` are named by. The order of the variants is the order
/// in which the stages run, and why it is so:
///
/// 1. [`Detach`](Self::Detach): a new session, and a process that does not lead it, so that no terminal can become its own.
///    First, because all that follows should be true of the daemon and of nobody else. A hook before it runs in the
///    launcher, with the claim held; all others run in the daemon.
/// 2. [`CoreDumps`](Self::CoreDumps): off before there is anything in memory that should not be on disk.
/// 3. [`Chroot`](Self::Chroot): while root can still do it. All files of the launcher's have been opened by now.
/// 4. [`Privileges`](Self::Privileges): as soon as nothing more needs root; what needs it still, such as a low port, is a
///    hook before this. The environment follows it.
/// 5. [`Umask`](Self::Umask): before any file is made.
/// 6. [`WorkDir`](Self::WorkDir): as the user who is to work there, so that a lack of rights shows now.
/// 7. [`PidFile`](Self::PidFile): sealed when the number is final, and before the worker can ask for it. Where the daemon becomes
///    another user, who may not write in its folder, that was done right before `Privileges`; the hooks are called here.
/// 8. [`Signals`](Self::Signals): their dispositions. They stay blocked until there is somebody to hear them, so that none
///    ends a half-made daemon without a word.
/// 9. [`Descriptors`](Self::Descriptors): after everything that needed one.
/// 10. [`Streams`](Self::Streams): last, because until here an error could still be seen.
///
/// In the foreground there is no `Detach` and no `Streams`, and no hook of theirs runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The two forks and the new session; setsid(2).
    Detach,
    /// No core dumps, unless `core_dumps = true`; setrlimit(2).
    CoreDumps,
    /// The root directory; chroot(2).
    Chroot,
    /// Supplementary groups, group and user; credentials(7).
    Privileges,
    /// The file mode creation mask; umask(2).
    Umask,
    /// The working directory; chdir(2).
    WorkDir,
    /// The number is written into the pidfile.
    PidFile,
    /// The signal dispositions; signal(7).
    Signals,
    /// The descriptors that the launching program leaked are closed.
    Descriptors,
    /// The standard streams.
    Streams,
}

/// In their order, each with its word.
pub(crate) const STAGES: [(Stage, &str); 10] = [
    (Stage::Detach, "detach"),
    (Stage::CoreDumps, "core_dumps"),
    (Stage::Chroot, "chroot"),
    (Stage::Privileges, "privileges"),
    (Stage::Umask, "umask"),
    (Stage::WorkDir, "workdir"),
    (Stage::PidFile, "pidfile"),
    (Stage::Signals, "signals"),
    (Stage::Descriptors, "descriptors"),
    (Stage::Streams, "streams"),
];

impl Stage {
    pub(crate) fn word(self) -> &'static str {
        STAGES.iter().find(|(stage, _)| *stage == self).map_or("", |(_, word)| word)
    }

    pub(crate) fn of_word(text: &str) -> Option<Self> {
        STAGES.iter().find(|(_, word)| *word == text).map(|(stage, _)| *stage)
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        let words = STAGES.map(|(_, word)| format!("{word:?}")).join(", ");
        Self::of_word(text).ok_or_else(|| format!("the stages are {words}"))
    }
}

impl IntoSetting<Self> for Stage {
    fn into_setting(self) -> Setting<Self> {
        Setting::Value(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_a_word_of_its_own() {
        for (stage, word) in STAGES {
            assert_eq!((Stage::of_word(word), stage.word()), (Some(stage), word));
        }
    }
}
