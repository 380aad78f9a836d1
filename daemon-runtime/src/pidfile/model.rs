//! A model of the pidfile's life, call by call, checked in every order that three actors can have.
//!
//! Each actor is a start (a launcher and its daemon), a stop or a status. Between any two of their system calls any other
//! may be made, and any process may be killed. What is modelled is what the kernel knows: three names, the files that they
//! mean, open descriptions with their OFD locks, POSIX locks, and a death that drops these one after the other. The calls are
//! those of the code, by its names (`call.rs`); a test holds the one against the other, so that neither changes alone.
//!
//! Not modelled: the note in the claim with `/proc/PID/fdinfo`, by which only a process that holds the claim is named; modes
//! and owners; reload (the same process, claim and locks); and a worker that closes or removes its own files.
//!
//! The number of a file is not another's while somebody remembers it, and who of several of a kind is which makes no
//! difference. So three starts come to 0.7 million states, two and a status to 1.0, a start, a stop and a status to 0.25; two
//! starts of whose processes two are killed, to 0.1. More at a time, and after a crash: the test that is left out by default.
//! `MODEL_STATES=1` tells how many there were.
//!
//! The checker is stateright: it is kept, checks any state machine written as plain data, and shows the shortest way to what
//! is wrong. loom and shuttle run threads of one process, and what is at stake here is between processes that die.

mod call;
mod checks;
mod question;
mod state;
mod step;
mod take;
mod truth;
mod wrong;

use std::collections::HashSet;

use stateright::{Model, Property};

use self::call::Call;
use self::state::{ACTORS, Actor, Inode, Life, Meanwhile, Names, Process, State, Text, Verb};
use self::step::Step;
use self::wrong::Wrong;

/// What can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// A process makes its next call.
    Call(usize, Process, Call),
    /// Somebody kills a process.
    Kill(usize, Process),
    /// The daemon cannot go on, before it is ready.
    Fail(usize),
    /// The daemon ends in order.
    End(usize),
    /// The launcher does not wait any longer: it is late, or interrupted.
    GiveUp(usize),
    /// A status has looked at a held claim often enough.
    LosePatience(usize),
}

/// Whether there was a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worked {
    Yes,
    No,
}

struct Lives {
    verbs: [Verb; ACTORS],
    /// What an earlier crash has left.
    left: Left,
    most_kills: u8,
    wrong: Option<Wrong>,
    /// What must not be left by a crash of everybody: the next start would not work after it.
    fatal: HashSet<(bool, bool, Option<Text>)>,
}

/// The names that are there at first, each with a file of its own.
type Left = &'static [fn(&mut Names, Inode)];

const NOTHING: Left = &[];
const ALL_NAMES: Left = &[
    |names, inode| names.claim = Some(inode),
    |names, inode| names.pidfile = Some(inode),
    |names, inode| names.draft = Some(inode),
];

impl Lives {
    fn of(verbs: [Verb; ACTORS], left: Left, wrong: Option<Wrong>, most_kills: u8) -> Self {
        let mut model = Self { verbs, left, most_kills, wrong, fatal: HashSet::new() };
        for claim in [false, true] {
            for draft in [false, true] {
                for pidfile in [None, Some(Text::Nothing), Some(Text::Half), Some(Text::Number)] {
                    let remains = (claim, draft, pidfile);
                    if !model.goes_on_after(remains) {
                        model.fatal.insert(remains);
                    }
                }
            }
        }
        model
    }

    /// Whether a start and a stop work, and leave nothing, where a crash of everybody has left this.
    fn goes_on_after(&self, remains: (bool, bool, Option<Text>)) -> bool {
        let mut start = truth::after_all(remains, Verb::Start);
        let mut stop = truth::after_all(remains, Verb::Stop);
        let works = self.run_out(&mut start) == Some(Worked::Yes) && self.run_out(&mut stop).is_some();
        works && [start, stop].iter().all(|state| state.wrong.is_none() && state.names == Names::default())
    }

    /// Lets all that is left to do be done, one after the other, daemons ending last: whether one was at work meanwhile;
    /// nothing if there is no end to it.
    fn run_out(&self, state: &mut State) -> Option<Worked> {
        let mut worked = Worked::No;
        for _ in 0..400 {
            if state.actors.iter().all(Actor::is_over) {
                return Some(worked);
            }
            if state.actors.iter().any(is_agreed_on) {
                worked = Worked::Yes;
            }
            let mut moves = Vec::new();
            self.actions(state, &mut moves);
            let of = |call: fn(&Move) -> bool| moves.iter().copied().find(call);
            let next = of(|next| matches!(next, Move::Call(..))).or_else(|| of(|next| matches!(next, Move::End(_))))?;
            *state = self.after(state, next);
        }
        None
    }

    fn after(&self, before: &State, action: Move) -> State {
        let mut state = before.clone();
        match action {
            Move::Call(who, process, _) => self.call(&mut state, who, process),
            Move::Kill(who, process) => {
                state.kills += 1;
                kill(&mut state.actors[who], process);
            }
            Move::Fail(who) | Move::End(who) => state.actors[who].daemon = Call::IsClaim,
            Move::GiveUp(who) => {
                let waits = self.wrong != Some(Wrong::CleanedUpTooEarly);
                let actor = &mut state.actors[who];
                actor.run = Call::IsClaim;
                if waits { kill(actor, Process::Daemon) } else { actor.doomed = true }
            }
            Move::LosePatience(who) => {
                let mut step = Step { state: &mut state, who, process: Process::Run, wrong: self.wrong };
                question::conclude(&mut step, Life::Held);
            }
        }
        remember(before, &mut state);
        state.tidy();
        state.standard()
    }

    fn call(&self, state: &mut State, who: usize, process: Process) {
        if process == Process::Run && !state.actors[who].meanwhile.begun && is_finding_out(&state.actors[who]) {
            let throughout = state.those(is_agreed_on);
            state.actors[who].meanwhile = Meanwhile { begun: true, throughout, ..Meanwhile::default() };
            remember(&state.clone(), state);
        }
        Step { state, who, process, wrong: self.wrong }.take();
        let actor = &mut state.actors[who];
        if process == Process::Daemon && actor.doomed && !has_ended(actor) {
            actor.daemon = Call::CloseClaim;
        }
    }

    /// What nobody else can notice needs no second order: a draft that is written and locked.
    fn unnoticed(&self, state: &State) -> Option<Move> {
        let is_order = !matches!(self.wrong, Some(Wrong::PublishedBeforeLocked | Wrong::PublishedBeforeWritten));
        let unseen = [Call::WriteHalf, Call::WriteRest, Call::WitnessFile];
        let at = state.actors.iter().position(|actor| unseen.contains(&actor.daemon) && !actor.doomed)?;
        is_order.then_some(Move::Call(at, Process::Daemon, state.actors[at].daemon))
    }

    fn moves(&self, state: &State, who: usize, moves: &mut Vec<Move>) {
        let actor = &state.actors[who];
        for process in [Process::Run, Process::Daemon] {
            let call = actor.next(process);
            if Step::is_enabled(state, who, process) {
                moves.push(Move::Call(who, process, call));
            }
            let is_there = if process == Process::Run { is_killable(actor) } else { is_living(actor) };
            if state.kills < self.most_kills && is_there {
                moves.push(Move::Kill(who, process));
            }
        }
        let sealing = [Call::WitnessClaim, Call::WriteHalf, Call::WriteRest, Call::WitnessFile, Call::Publish];
        if sealing.contains(&actor.daemon) && !actor.doomed {
            moves.push(Move::Fail(who));
        }
        if actor.daemon == Call::Work && !actor.doomed {
            moves.push(Move::End(who));
        }
        if actor.run == Call::Vouch && is_living(actor) {
            moves.push(Move::GiveUp(who));
        }
        if question::is_out_of_patience(state, who) {
            moves.push(Move::LosePatience(who));
        }
    }

    /// Whether somebody can go on, or nobody is left who wants to; and who is left alone comes to an end. Whoever went round
    /// and round would come by one of these two calls again and again.
    fn comes_to_an_end(&self, state: &State) -> bool {
        let mut left = state.actors.iter().filter(|actor| !actor.is_over());
        match (left.next(), left.next()) {
            (None, _) => true,
            (Some(actor), None) if matches!(actor.run, Call::MakeClaim | Call::LookIdentity) => {
                self.run_out(&mut state.clone()).is_some()
            }
            _ => state.wrong.is_some() || (0..ACTORS).any(|who| can_go_on(state, who)),
        }
    }
}

fn can_go_on(state: &State, who: usize) -> bool {
    let is_enabled = |process| Step::is_enabled(state, who, process);
    state.actors[who].daemon == Call::Work || is_enabled(Process::Run) || is_enabled(Process::Daemon)
}

fn kill(actor: &mut Actor, process: Process) {
    match process {
        Process::Run => {
            (actor.run, actor.target) = (Call::Nothing, None);
            (actor.look, actor.meanwhile) = (state::Look::default(), Meanwhile::default());
            actor.mine[0] = false;
            actor.close(Process::Run);
        }
        Process::Daemon if is_living(actor) => actor.daemon = Call::CloseClaim,
        Process::Daemon => {}
    }
}

/// Whether it is worth being killed: a status has nothing that its death could leave.
fn is_killable(actor: &Actor) -> bool {
    actor.run != Call::Nothing && actor.open[0]
}

fn is_living(actor: &Actor) -> bool {
    !has_ended(actor) && actor.daemon != Call::Nothing && !actor.doomed
}

fn has_ended(actor: &Actor) -> bool {
    matches!(actor.daemon, Call::CloseClaim | Call::CloseFile | Call::CloseLast | Call::Dead)
}

fn is_agreed_on(actor: &Actor) -> bool {
    actor.is_at_work() && !actor.starting
}

/// Whether its answer is still to be found.
fn is_finding_out(actor: &Actor) -> bool {
    let before_fork = actor.verb == Verb::Start && actor.daemon == Call::Nothing;
    let looks = actor.verb != Verb::Start && actor.target.is_none() && !is_clearing(actor);
    actor.run != Call::Nothing && (before_fork || looks)
}

fn is_clearing(actor: &Actor) -> bool {
    use Call::{AskPidfile, CloseStale, CompareClaim, LockClaim, MakeClaim, OpenClaim, OpenPidfile, RemoveStale};
    use Call::{ClearClaim, ClearDraft, ClearPidfile, HasClaim, HasDraft, HasPidfile};
    let clears = [HasPidfile, HasClaim, HasDraft, ClearPidfile, ClearDraft, ClearClaim];
    let takes = [MakeClaim, OpenClaim, LockClaim, CompareClaim, RemoveStale, CloseStale, OpenPidfile, AskPidfile];
    clears.contains(&actor.run) || takes.contains(&actor.run)
}

/// What those who are finding out could have seen by now. A start is only asked what it says of others that were started.
fn remember(before: &State, state: &mut State) {
    let Names { claim, pidfile, .. } = state.names;
    let is_vouched =
        |actor: &Actor| (actor.witness && actor.claim == claim) || (actor.vouched && actor.file == pidfile);
    let lived = state.those(is_vouched);
    let (running, agreed) = (state.those(is_agreed_on), state.those(|actor| actor.agreed && is_vouched(actor)));
    let dies = state.actors.iter().any(|actor| actor.claimed && !actor.witness && has_ended(actor));
    let let_go = dies || before.those(|actor| actor.claimed) & !state.those(|actor| actor.claimed) != 0;
    for actor in state.actors.iter_mut().filter(|actor| actor.meanwhile.begun) {
        let so_far = actor.meanwhile;
        actor.meanwhile = match actor.verb {
            Verb::Start => Meanwhile { begun: true, agreed: so_far.agreed | agreed, ..Meanwhile::default() },
            _ => Meanwhile {
                begun: true,
                lived: so_far.lived | lived,
                agreed: 0,
                throughout: so_far.throughout & running,
                let_go: so_far.let_go || let_go,
            },
        };
    }
}

impl Model for Lives {
    type State = State;
    type Action = Move;

    fn init_states(&self) -> Vec<State> {
        vec![State::of(self.verbs, self.left)]
    }

    fn actions(&self, state: &State, moves: &mut Vec<Move>) {
        if state.wrong.is_some() {
            return;
        }
        if let Some(unnoticed) = self.unnoticed(state) {
            return moves.push(unnoticed);
        }
        (0..ACTORS).for_each(|who| self.moves(state, who, moves));
    }

    fn next_state(&self, state: &State, action: Move) -> Option<State> {
        Some(self.after(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("there are never two daemons", |_, state| truth::never_two(state)),
            Property::always("nobody removes or replaces what is another's", |_, state| {
                truth::names_are_whose_they_are(state)
            }),
            Property::always("a pidfile says a whole number", |_, state| truth::pidfile_is_whole(state)),
            Property::always("no answer is a lie", |_, state: &State| state.wrong.is_none()),
            Property::always("who ends in order leaves nothing", |_, state| truth::order_leaves_nothing(state)),
            Property::always("after a crash of everybody the next start works", |model: &Self, state| {
                !model.fatal.contains(&truth::remains(state))
            }),
            Property::always("everybody comes to an end", |model: &Self, state| model.comes_to_an_end(state)),
        ]
    }
}
