//! One call of one process: who makes it, in which state, and what may come next.

use super::call::Call;
use super::state::{Actor, Process, State, Verb};
use super::wrong::Wrong;

/// One call of one process.
pub(super) struct Step<'a> {
    pub(super) state: &'a mut State,
    pub(super) who: usize,
    pub(super) process: Process,
    pub(super) wrong: Option<Wrong>,
}

impl Step<'_> {
    pub(super) fn actor(&mut self) -> &mut Actor {
        &mut self.state.actors[self.who]
    }

    /// As it was before this.
    pub(super) fn me(&self) -> Actor {
        self.state.actors[self.who]
    }

    pub(super) fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

    pub(super) fn then(&mut self, call: Call) {
        let process = self.process;
        self.actor().go(process, call);
    }

    pub(super) fn either(&mut self, start: Call, clearing: Call) {
        let is_start = self.me().verb == Verb::Start;
        self.then(if is_start { start } else { clearing });
    }

    /// Whether the process has anything to do just now.
    pub(super) fn is_enabled(state: &State, who: usize, process: Process) -> bool {
        let actor = &state.actors[who];
        let is_dead = |who: usize| actor_is_dead(state, who);
        match actor.next(process) {
            Call::Nothing | Call::Dead | Call::Work => false,
            Call::Vouch => actor.said_ready || is_dead(who),
            // After a failure the launcher waits for the end of the daemon; the daemon itself is at its end.
            Call::IsClaim if process == Process::Run => is_dead(who) || actor.doomed,
            Call::DaemonStarted => actor.agreed || (actor.run == Call::Nothing && actor.answer.is_none()),
            Call::HasPidfile => actor.target.is_none_or(|target| is_dead(usize::from(target))),
            _ => true,
        }
    }
}

fn actor_is_dead(state: &State, who: usize) -> bool {
    matches!(state.actors[who].daemon, Call::Dead | Call::Nothing)
}
