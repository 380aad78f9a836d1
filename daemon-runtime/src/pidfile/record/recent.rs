//! The last ticks of a daemon, as many as a record has room for.

use std::time::Duration;

use super::Past;

/// How many there is room for.
pub(crate) const ROOM: usize = 32;

/// How long a tick took, and whether it ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Brief {
    pub(crate) number: u64,
    pub(crate) took: Duration,
    pub(crate) is_well: bool,
}

/// The last ticks, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Recent {
    ticks: [Brief; ROOM],
    count: usize,
}

impl Recent {
    /// Adds one, for which the oldest makes room. It asks for no memory.
    pub(crate) fn push(&mut self, tick: Brief) {
        if self.count == ROOM {
            self.ticks.rotate_left(1);
            self.count -= 1;
        }
        if let Some(place) = self.ticks.get_mut(self.count) {
            *place = tick;
            self.count += 1;
        }
    }

    pub(crate) fn as_slice(&self) -> &[Brief] {
        self.ticks.get(..self.count).unwrap_or_default()
    }
}

impl From<Past> for Brief {
    fn from(past: Past) -> Self {
        Self { number: past.number, took: past.took, is_well: past.is_well }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_the_oldest_first() {
        let mut recent = Recent::default();
        let numbers = |recent: &Recent| recent.as_slice().iter().map(|tick| tick.number).collect::<Vec<_>>();
        assert_eq!(recent.as_slice(), []);
        (0..3).for_each(|number| recent.push(Brief { number, ..Brief::default() }));
        assert_eq!(numbers(&recent), [0, 1, 2]);
        (3..100).for_each(|number| recent.push(Brief { number, ..Brief::default() }));
        assert_eq!(numbers(&recent), (68..100).collect::<Vec<_>>());
    }
}
