//! What describes the command line, and is told by who reads it.

/// A shell whose completions can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shell {
    /// bash(1), 4.4 or later for the order of what is offered.
    Bash,
    /// zsh(1), by its compsys.
    Zsh,
    /// fish(1).
    Fish,
}

impl Shell {
    pub(crate) const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    /// As it stands on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}
