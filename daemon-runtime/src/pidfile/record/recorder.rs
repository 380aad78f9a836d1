//! The daemon's side of its record: what has happened, kept in memory, and written when there is time to read it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Buffer, Past, Record, Text, read_open, write};
use crate::pidfile::Claimed;
use crate::sys::clock::monotonic;

/// Ticks that follow each other faster than this are told of together: nobody could read of each, and writing would take
/// longer than they do.
const HASTE: Duration = Duration::from_millis(1);

/// What the next image of the program says of a tick that it has cut short.
const BEGUN_ANEW: &str = "the program was begun anew meanwhile";

/// Who tells of the daemon. It asks for no memory while it does, and what cannot be written stops nobody.
#[derive(Debug)]
pub(crate) struct Recorder {
    pidfile: Arc<Claimed>,
    /// The daemon. A child that the worker has forked inherits all of this, and must not tell of itself.
    pid: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    record: Record,
    buffer: Buffer,
    /// When it was written last, on the monotonic clock.
    written: Option<Duration>,
    /// The time of the tick that runs, on the monotonic clock.
    begun: Duration,
    /// Whether somebody has asked for it.
    is_asked: bool,
}

impl State {
    /// Whether it was written a moment ago.
    fn is_fresh(&self, now: Duration) -> bool {
        self.written.is_some_and(|written| now < written.saturating_add(HASTE))
    }
}

impl Recorder {
    /// For the daemon that this process is; nothing where it has no record. What an image of the program before this one has
    /// told is gone on from.
    pub(crate) fn begin(pidfile: &Arc<Claimed>, subject: Subject) -> Option<Self> {
        let before = read_open(pidfile.record()?).unwrap_or_default();
        let pid = std::process::id();
        let mut record = before.filter(|before| before.pid == pid).map(|before| gone_on(&before)).unwrap_or_default();
        (record.pid, record.repeats) = (pid, subject == Subject::Ticks);
        let state = Mutex::new(State { record, ..State::default() });
        Some(Self { pidfile: Arc::clone(pidfile), pid, state })
    }

    /// For a daemon that does not repeat, and has something to say only now; nothing where no record can be made.
    pub(crate) fn begin_at_last(pidfile: &Arc<Claimed>) -> Option<Self> {
        pidfile.record_at_last()?;
        Self::begin(pidfile, Subject::Text)
    }

    /// Whether it tells of ticks.
    pub(crate) fn tells_of_ticks(&self) -> bool {
        self.lock().record.repeats
    }

    /// Whether it was paused when an image before this one told of itself.
    pub(crate) fn is_paused(&self) -> bool {
        self.lock().record.paused
    }

    /// A tick begins at `now`. Who has asked for one is told at once.
    pub(crate) fn begins(&self, number: u64, now: Duration, asked: Asked) {
        let mut state = self.lock();
        (state.begun, state.is_asked) = (now, asked == Asked::ForIt);
        state.record.running = Some((number, wall()));
        state.record.asked.0 += u64::from(state.is_asked);
        if state.is_asked || !state.is_fresh(now) {
            self.write(&mut state, now);
        }
    }

    /// The tick that runs ends at `now`, well or with this error.
    pub(crate) fn ends(&self, now: Duration, error: Option<&str>) {
        let mut state = self.lock();
        let Some((number, at)) = state.record.running.take() else { return };
        let took = now.saturating_sub(state.begun);
        let past = Past { number, at, took, is_well: error.is_none() };
        let State { record, is_asked, .. } = &mut *state;
        // The first one makes a start complete, and whoever waits for that may ask at once.
        let is_first = record.last.is_none();
        let counted = if past.is_well { &mut record.done } else { &mut record.failed };
        *counted += 1;
        record.last = Some(past);
        record.recent.push(past.into());
        let error = error.map(Text::of);
        if let Some(error) = error {
            (record.last_failed, record.error) = (Some(number), error);
        }
        if *is_asked {
            record.asked.1 += 1;
            record.last_asked = Some(past);
            record.asked_error = error.unwrap_or_default();
        }
        if *is_asked || is_first || error.is_some() {
            self.write(&mut state, now);
        }
    }

    /// The next tick is waited for at `now`.
    pub(crate) fn waits(&self, number: u64, due: Duration, skipped: u64, now: Duration) {
        let mut state = self.lock();
        state.record.skipped = state.record.skipped.saturating_add(skipped);
        state.record.next = Some((number, due)).filter(|_| !state.record.paused);
        if due >= now.saturating_add(HASTE) || !state.is_fresh(now) {
            self.write(&mut state, now);
        }
    }

    /// No tick begins by itself any more, or they do again. What the next one is, is told when it is waited for.
    pub(crate) fn pauses(&self, paused: bool) {
        let mut state = self.lock();
        state.record.paused = paused;
        state.record.next = None;
        self.write(&mut state, monotonic());
    }

    /// What the worker says that it is doing.
    pub(crate) fn says(&self, text: &str) {
        let mut state = self.lock();
        state.record.status = Text::of(text.trim());
        self.write(&mut state, monotonic());
    }

    fn write(&self, state: &mut State, now: Duration) {
        let Some(file) = self.pidfile.record().filter(|_| self.pid == std::process::id()) else { return };
        state.written = Some(now);
        if write(file, &state.record, &mut state.buffer).is_err() {
            // A full disk, or one that fails: better nothing than what is not true any more.
            let _ = file.set_len(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, so a poisoned lock still holds a whole value.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a daemon tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Its ticks, and what it says.
    Ticks,
    /// What it says.
    Text,
}

/// Whether somebody has asked for a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    ForIt,
    ForNone,
}

fn gone_on(before: &Record) -> Record {
    let cut = before.running.filter(|_| before.asked.0 > before.asked.1);
    let cut = cut.map(|(number, at)| Past { number, at, took: Duration::ZERO, is_well: false });
    Record {
        image: before.image.wrapping_add(1),
        asked: (before.asked.0, before.asked.0),
        last_asked: cut.or(before.last_asked),
        asked_error: cut.map_or(before.asked_error, |_| Text::of(BEGUN_ANEW)),
        running: None,
        next: None,
        ..before.clone()
    }
}

fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
