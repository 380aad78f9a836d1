//! What is done, by whom, and to what kind of daemon.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    Restart,
    Reload,
    Status,
    /// Of a daemon that repeats.
    Pause,
}

impl Verb {
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Status => "status",
            Self::Pause => "pause",
        }
    }

    pub fn needs_a_daemon(self) -> bool {
        self != Self::Start
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    Root,
    /// The account without any rights, which root makes itself for this.
    Nobody,
    /// Whoever runs the tests, and is not root.
    Caller,
}

/// How the daemon is begun.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "they are switches, each of its own")]
pub struct Mode {
    pub account: Account,
    /// It becomes another user.
    pub user: bool,
    pub chroot: bool,
    /// Its processes are new images of the program.
    pub exec: bool,
}

/// Who does what.
#[derive(Debug, Clone, Copy)]
pub struct Cast {
    /// The program that is run; see `tests/fixtures`.
    pub program: &'static str,
    pub verb: Verb,
    pub mode: Mode,
}

impl std::fmt::Display for Cast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.verb.word(), self.mode)
    }
}

impl Mode {
    pub const fn plain(account: Account) -> Self {
        Self { account, user: false, chroot: false, exec: false }
    }

    /// All that this account can do.
    pub fn all(account: Account) -> Vec<Self> {
        let mut modes = Vec::new();
        for exec in [false, true] {
            for (user, chroot) in [(false, false), (true, false), (false, true), (true, true)] {
                if account == Account::Root || !(user || chroot) {
                    modes.push(Self { account, user, chroot, exec });
                }
            }
        }
        modes
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let account = match self.account {
            Account::Root => "root",
            Account::Nobody | Account::Caller => "an ordinary user",
        };
        write!(f, "{account}")?;
        for (is_set, key) in [(self.user, "user"), (self.chroot, "chroot"), (self.exec, "detach = \"exec\"")] {
            if is_set {
                write!(f, ", {key}")?;
            }
        }
        Ok(())
    }
}
