//! A look, call by call, and what an actor makes of it.

use super::call::Call;
use super::state::{Answer, Life, Look, Meanwhile, Process, State, Verb};
use super::step::Step;
use super::wrong::Wrong;

pub(super) fn look(step: &mut Step<'_>) {
    let names = step.state.names;
    let look = step.me().look;
    match step.me().run {
        Call::LookIdentity => {
            step.actor().look = Look { before: names.claim, ..Look::default() };
            step.then(Call::LookOpenClaim);
        }
        Call::LookOpenClaim => {
            step.actor().look.claim = names.claim;
            step.then(if names.claim.is_some() { Call::LookClaim } else { Call::LookOpenPidfile });
        }
        Call::LookClaim => {
            let is_held = step.state.is_locked(look.claim, |actor| actor.claimed || actor.starting);
            if !is_held && step.is(Wrong::AskedByLocking) {
                // It gives back what it has taken, a moment later.
                let actor = step.actor();
                (actor.claim, actor.open[0], actor.claimed) = (look.claim, true, true);
            }
            step.then(if is_held { Call::LookWitness } else { Call::LookOpenPidfile });
        }
        Call::LookWitness => {
            step.actor().look.witness = step.state.witness(look.claim);
            if step.is(Wrong::StartingNotAsked) { decide(step) } else { step.then(Call::LookStarting) }
        }
        Call::LookStarting => {
            let starting = step.state.is_locked(look.claim, |actor| actor.starting);
            step.actor().look.starting = starting;
            if starting || step.is(Wrong::WitnessAskedOnce) { decide(step) } else { step.then(Call::LookWitnessAgain) }
        }
        Call::LookWitnessAgain => {
            step.actor().look.starting = step.state.witness(look.claim) != look.witness;
            decide(step);
        }
        Call::LookOpenPidfile | Call::LookPidfile => by_pidfile(step),
        Call::LookStanding if is_vouched(step) => step.then(Call::LookIdentityAgain),
        Call::LookStanding => again(step),
        Call::LookIdentityAgain => is_same(step),
        Call::LookOpenClaimAgain | Call::LookHeld | Call::LookInPlace | Call::LookVouched => is_settled(step),
        _ => {}
    }
}

fn decide(step: &mut Step<'_>) {
    let look = step.me().look;
    match (look.witness, look.starting) {
        (Some(who), true) => found(step, Life::Coming(who)),
        (Some(who), false) => found(step, Life::Running(who)),
        (None, true) => found(step, Life::Starting),
        (None, false) => {
            step.actor().look.held = true;
            step.then(Call::LookOpenPidfile);
        }
    }
}

fn by_pidfile(step: &mut Step<'_>) {
    if step.me().run == Call::LookOpenPidfile {
        let file = step.state.names.pidfile;
        step.actor().look.file = file;
        if file.is_some() {
            return step.then(Call::LookPidfile);
        }
    }
    let look = step.me().look;
    let life = match (step.state.vouching(look.file), look.held) {
        (Some(who), true) if step.is(Wrong::TakenForStarted) => Life::Running(who),
        (Some(who), true) => Life::Coming(who),
        (Some(who), false) => Life::Claimless(who),
        (None, true) => Life::Held,
        (None, false) => Life::Not,
    };
    if step.is(Wrong::AskedByLocking) && step.me().verb != Verb::Start {
        step.actor().close(Process::Run);
    }
    found(step, life);
}

/// Whatever is not the proof is closed again.
fn found(step: &mut Step<'_>, life: Life) {
    let look = &mut step.actor().look;
    (look.life, look.witness, look.starting, look.held) = (Some(life), None, false, false);
    if look.file.is_some() || matches!(life, Life::Starting | Life::Held | Life::Not) {
        look.claim = None;
    }
    if matches!(life, Life::Starting | Life::Held | Life::Not) {
        look.file = None;
    }
    let lives = matches!(life, Life::Running(_) | Life::Coming(_) | Life::Claimless(_));
    step.then(if lives { Call::LookStanding } else { Call::LookIdentityAgain });
}

/// Whether the kernel still names the same, by the file that the proof stands on.
fn is_vouched(step: &Step<'_>) -> bool {
    let look = step.me().look;
    let named = |who| step.state.witness(look.claim) == Some(who) || step.state.vouching(look.file) == Some(who);
    match look.life {
        Some(Life::Running(who) | Life::Coming(who) | Life::Claimless(who)) => named(who),
        _ => false,
    }
}

fn again(step: &mut Step<'_>) {
    step.actor().look = Look::default();
    step.then(Call::LookIdentity);
}

fn is_same(step: &mut Step<'_>) {
    let look = step.me().look;
    match look.life {
        // Patience; when it is over, `is_out_of_patience` goes on.
        Some(Life::Held) | None => again(step),
        Some(_) if step.state.names.claim != look.before => again(step),
        Some(Life::Claimless(_)) if step.is(Wrong::VouchedBeforeFree) => step.then(Call::LookVouched),
        Some(Life::Claimless(_)) => {
            step.actor().look.before = None;
            step.then(Call::LookOpenClaimAgain);
        }
        Some(life) => conclude(step, life),
    }
}

/// A look that has seen a held claim ten times takes it for an answer.
pub(super) fn is_out_of_patience(state: &State, who: usize) -> bool {
    let actor = &state.actors[who];
    let asks = actor.verb == Verb::Status && actor.run == Call::LookIdentityAgain;
    asks && actor.look.life == Some(Life::Held) && actor.look.before == state.names.claim
}

fn is_settled(step: &mut Step<'_>) {
    let look = step.me().look;
    let Some(life @ Life::Claimless(who)) = look.life else { return again(step) };
    let early = step.is(Wrong::VouchedBeforeFree);
    match step.me().run {
        Call::LookOpenClaimAgain => {
            let claim = step.state.names.claim;
            step.actor().look.claim = claim;
            match claim {
                Some(_) => step.then(Call::LookHeld),
                None if early => conclude(step, life),
                None => step.then(Call::LookInPlace),
            }
        }
        Call::LookHeld if step.state.is_locked(look.claim, |actor| actor.claimed) => again(step),
        Call::LookHeld if early => conclude(step, life),
        Call::LookHeld => {
            step.actor().look.claim = None;
            step.then(Call::LookInPlace);
        }
        Call::LookInPlace if step.state.names.pidfile == look.file => step.then(Call::LookVouched),
        Call::LookVouched if step.state.vouching(look.file) == Some(who) && early => {
            step.then(Call::LookOpenClaimAgain);
        }
        Call::LookVouched if step.state.vouching(look.file) == Some(who) => conclude(step, life),
        _ => again(step),
    }
}

/// The look is over.
pub(super) fn conclude(step: &mut Step<'_>, life: Life) {
    let (verb, meanwhile) = (step.me().verb, step.me().meanwhile);
    let who = match life {
        Life::Running(who) | Life::Coming(who) | Life::Claimless(who) => Some(who),
        _ => None,
    };
    match (verb, who, life) {
        (Verb::Start, Some(who), Life::Running(_) | Life::Claimless(_)) => {
            if meanwhile.agreed & (1 << who) == 0 {
                step.state.wrong = Some("one counted as running whose start was not agreed on");
            }
            step.actor().answer(Answer::AlreadyRunning);
        }
        (Verb::Start, ..) => {
            step.actor().look = Look::default();
            step.then(Call::MakeClaim);
        }
        (_, Some(who), _) => {
            if meanwhile.lived & (1 << who) == 0 {
                step.state.wrong = Some("one counted as running who is no daemon");
            }
            step.actor().target = Some(who);
            end(step, Answer::Running);
        }
        (Verb::Stop, None, Life::Starting | Life::Held) => again(step),
        (_, None, Life::Held) => {
            if !meanwhile.let_go {
                step.state.wrong = Some("it could not be told whether a daemon runs, without a reason");
            }
            denied(step, Answer::CannotTell);
        }
        (_, None, _) => denied(step, Answer::NotRunning),
    }
}

fn denied(step: &mut Step<'_>, answer: Answer) {
    if step.me().meanwhile.throughout != 0 {
        step.state.wrong = Some("a daemon was denied that ran all the time");
    }
    end(step, answer);
}

/// A status has its answer; a stop waits for the end of whom it has found, and clears away what is left.
fn end(step: &mut Step<'_>, answer: Answer) {
    if step.me().verb == Verb::Status {
        return step.actor().answer(answer);
    }
    (step.actor().look, step.actor().meanwhile) = (Look::default(), Meanwhile::default());
    step.then(Call::HasPidfile);
}
