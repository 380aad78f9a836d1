//! What can be asked of a repeating daemon from outside: a tick now, a pause, and its end.

use std::time::Instant;

use super::Context;
use crate::manager::Manager;
use crate::pidfile::record::Recorder;
use crate::schedule::Woken;
use crate::spec::order::Order;

/// What was asked for and is still to be heeded.
#[derive(Debug, Default)]
pub(super) struct Orders {
    is_paused: bool,
    /// A pause is over, and who waits for a tick does not know yet.
    is_resumed: bool,
    /// However often it was asked for, one tick is to begin.
    runs_now: bool,
}

impl Orders {
    fn woken(&mut self) -> Option<Woken> {
        if std::mem::take(&mut self.runs_now) {
            return Some(if self.is_paused { Woken::AskedInPause } else { Woken::Asked });
        }
        std::mem::take(&mut self.is_resumed).then_some(Woken::Resumed)
    }
}

impl Context {
    /// Has `status` told of this daemon. A pause that an image of the program before this one was in goes on.
    pub(crate) fn tell_by(&self, recorder: Recorder) {
        self.lock().orders.is_paused = recorder.is_paused();
        let _ = self.shared.recorder.set(recorder);
    }

    /// Who tells `status` of this daemon, if somebody does.
    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.shared.recorder.get()
    }

    /// The same, for the daemon that has something to tell. A child that the worker has forked is not the daemon.
    pub(super) fn recorder_at_last(&self) -> Option<&Recorder> {
        let recorder = &self.shared.recorder;
        if recorder.get().is_none() && self.shared.pid == std::process::id() {
            let begun = (self.shared.powers.tell)()?;
            return Some(recorder.get_or_init(|| begun));
        }
        recorder.get()
    }

    /// Heeds an order. The record says "paused" only when nothing begins any more, and "not paused" before something may.
    pub(crate) fn heed(&self, order: Order) {
        match order {
            Order::RunNow => self.change(|orders| orders.runs_now = true),
            Order::Pause => {
                self.change(|orders| (orders.is_paused, orders.is_resumed) = (true, false));
                self.tell_of_pause(true);
            }
            Order::Resume => {
                self.tell_of_pause(false);
                self.change(|orders| orders.is_resumed |= std::mem::take(&mut orders.is_paused));
            }
        }
    }

    fn tell_of_pause(&self, paused: bool) {
        if let Some(recorder) = self.recorder() {
            recorder.pauses(paused);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.lock().orders);
        self.shared.changed.notify_all();
    }

    /// Waits for a tick that is due at `at`, or never; in a pause, until that is over. A service manager that wants signs of
    /// life has them meanwhile.
    pub(crate) fn wait_for_tick(&self, at: Option<Instant>) -> Woken {
        loop {
            self.be_alive();
            let mut asked = self.lock();
            if asked.cause.is_some() {
                return Woken::Shutdown;
            }
            if let Some(woken) = asked.orders.woken() {
                return woken;
            }
            let due = at.filter(|_| !asked.orders.is_paused);
            let left = due.map(|at| at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Woken::Due;
            }
            let piece = self.manager().and_then(Manager::pause_of_worker);
            let changed = &self.shared.changed;
            match left.into_iter().chain(piece).min() {
                Some(most) => drop(changed.wait_timeout(asked, most)),
                None => drop(changed.wait(asked)),
            }
        }
    }
}
