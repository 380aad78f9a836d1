//! What must be true in every state.

use super::call::Call;
use super::state::{Actor, Names, State, Text, Verb};

pub(super) fn never_two(state: &State) -> bool {
    state.those(Actor::is_at_work).count_ones() <= 1
}

/// A daemon's names mean its files, and it holds its locks on them; before it is sealed, those it has already.
pub(super) fn names_are_whose_they_are(state: &State) -> bool {
    state.actors.iter().all(|actor| {
        let has_draft = matches!(
            actor.daemon,
            Call::WitnessClaim | Call::WriteHalf | Call::WriteRest | Call::WitnessFile | Call::Publish
        );
        let Names { claim, draft, pidfile } = state.names;
        if actor.is_at_work() {
            let holds = actor.claimed && actor.witness && actor.vouched;
            return holds && claim == actor.claim && pidfile == actor.file;
        }
        !has_draft || (claim == actor.claim && (draft == actor.file || pidfile == actor.file))
    })
}

/// The pidfile says a whole number, and who lives by it vouches for it.
pub(super) fn pidfile_is_whole(state: &State) -> bool {
    let Some(pidfile) = state.names.pidfile else { return true };
    let is_dying = |daemon| matches!(daemon, Call::CloseClaim | Call::CloseFile | Call::CloseLast | Call::Dead);
    let unvouched = |actor: &Actor| actor.file == Some(pidfile) && !is_dying(actor.daemon) && !actor.vouched;
    state.text == Text::Number && !state.actors.iter().any(unvouched)
}

/// Where nobody was killed, all that is left at the end is what was left at the beginning, if nobody came who clears away.
pub(super) fn order_leaves_nothing(state: &State) -> bool {
    let is_over = state.actors.iter().all(Actor::is_over);
    let clears = state.actors.iter().any(|actor| matches!(actor.verb, Verb::Start | Verb::Stop));
    !is_over || !clears || state.kills > 0 || state.names == Names::default()
}

/// Which names there are, and what the pidfile says: all that a crash of everybody leaves.
pub(super) fn remains(state: &State) -> (bool, bool, Option<Text>) {
    let Names { claim, draft, pidfile } = state.names;
    (claim.is_some(), draft.is_some(), pidfile.map(|_| state.text))
}

/// A state in which all but this one actor are gone, and these are the remains.
pub(super) fn after_all(remains: (bool, bool, Option<Text>), verb: Verb) -> State {
    let (claim, draft, pidfile) = remains;
    let mut state = State::of([verb, Verb::Nobody, Verb::Nobody], &[]);
    state.names = Names { claim: claim.then_some(0), draft: draft.then_some(1), pidfile: pidfile.map(|_| 2) };
    state.text = pidfile.unwrap_or_default();
    state
}
