//! The orders that a repeating daemon takes, and the signals that bring them.

use nix::libc;

/// What can be asked of a repeating daemon that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// A tick is to begin at once.
    RunNow,
    /// None is to begin by itself.
    Pause,
    /// They are to begin again when they are due.
    Resume,
}

/// Real-time signals, which no key of ours can name, so that they are nobody's; and those that neither the C library, a
/// garbage collector nor systemd has a use for: SIGRTMIN+10 to +12. In this order, which is the one in which those that come
/// together are heeded.
const SIGNALS: [(Order, i32); 3] = [(Order::RunNow, 10), (Order::Pause, 11), (Order::Resume, 12)];

impl Order {
    pub(crate) const ALL: [Self; 3] = [Self::RunNow, Self::Pause, Self::Resume];

    /// The signal that brings it.
    pub(crate) fn signal(self) -> i32 {
        let above = SIGNALS.iter().find(|(order, _)| *order == self).map_or(0, |(_, above)| *above);
        libc::SIGRTMIN() + above
    }

    /// As it stands on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::RunNow => "run-now",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// The order of this name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.word() == word)
    }

    /// The order that a signal brings, if it brings one.
    pub(crate) fn brought_by(signal: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.signal() == signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_has_a_signal_of_its_own_that_can_be_caught() {
        for order in Order::ALL {
            assert_eq!(Order::brought_by(order.signal()), Some(order));
            assert!((libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&order.signal()));
        }
        assert_eq!(Order::brought_by(libc::SIGHUP), None);
    }
}
