//! What there is: names, files, open descriptions, locks, and where each process stands.

use super::call::Call;

pub(super) const ACTORS: usize = 3;

/// A file, by its number. A number is another file's when neither a name nor a descriptor nor anybody's memory means the
/// first one any more.
pub(super) type Inode = u8;

/// A process that wants to be, or is, the daemon: by the actor that it belongs to.
pub(super) type Who = u8;

/// What stands in a pidfile, or in one that is to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) enum Text {
    #[default]
    Nothing,
    Half,
    Number,
}

/// The three names in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Names {
    pub(super) claim: Option<Inode>,
    pub(super) draft: Option<Inode>,
    pub(super) pidfile: Option<Inode>,
}

/// What an actor was run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Verb {
    /// A launcher, and the daemon that it makes. (The session leader between them has nothing to do with the files: it is
    /// one more holder of the claim's description until the daemon is introduced.)
    Start,
    Stop,
    Status,
    /// For two who are alone.
    Nobody,
}

/// What an actor answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Answer {
    Started,
    Failed,
    AlreadyRunning,
    Running,
    NotRunning,
    CannotTell,
    Stopped,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Life {
    Running(Who),
    /// As `Running`, and its start is not agreed on.
    Coming(Who),
    /// As `Running`, by its pidfile only.
    Claimless(Who),
    Starting,
    Held,
    Not,
}

/// How far a look has come, and what it has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Look {
    pub(super) before: Option<Inode>,
    pub(super) claim: Option<Inode>,
    pub(super) file: Option<Inode>,
    pub(super) witness: Option<Who>,
    pub(super) starting: bool,
    /// The claim was seen held: what the pidfile says is only looked for because nobody vouches for it.
    pub(super) held: bool,
    pub(super) life: Option<Life>,
}

/// What was the case while an actor was about to find its answer: by this it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Meanwhile {
    /// Whether it has begun at all.
    pub(super) begun: bool,
    /// Daemons, sealed or about to be, at some moment.
    pub(super) lived: u8,
    /// Daemons whose start was agreed on, at some moment.
    pub(super) agreed: u8,
    /// Those at every moment.
    pub(super) throughout: u8,
    /// At some moment somebody let go of a claim, or was dying and about to.
    pub(super) let_go: bool,
}

/// One who was run, with the process that it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "each is a lock or a word of its own, and all of them go together")]
pub(super) struct Actor {
    pub(super) verb: Verb,
    /// What the process that was run does next.
    pub(super) run: Call,
    /// What the daemon does next.
    pub(super) daemon: Call,
    /// The claim's open description: which file, by whom it is open, and the OFD locks on it.
    pub(super) claim: Option<Inode>,
    pub(super) open: [bool; 2],
    /// Whether it is a file that this actor has made.
    pub(super) fresh: bool,
    pub(super) claimed: bool,
    pub(super) starting: bool,
    /// The draft, later the pidfile, open in the same processes, and what stands in it.
    pub(super) file: Option<Inode>,
    pub(super) text: Text,
    /// The daemon's POSIX locks: on the claim, and on the pidfile.
    pub(super) witness: bool,
    pub(super) vouched: bool,
    /// What `release` has found out, in either process.
    pub(super) mine: [bool; 2],
    pub(super) said_ready: bool,
    pub(super) agreed: bool,
    /// The daemon was sent SIGKILL, and finishes the call that it is in.
    pub(super) doomed: bool,
    /// Whom a stop waits for.
    pub(super) target: Option<Who>,
    pub(super) look: Look,
    pub(super) meanwhile: Meanwhile,
    pub(super) answer: Option<Answer>,
}

/// The two processes of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Process {
    Run,
    Daemon,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct State {
    pub(super) names: Names,
    /// What stands in the file that the pidfile's name means.
    pub(super) text: Text,
    pub(super) actors: [Actor; ACTORS],
    /// How many processes were killed from outside.
    pub(super) kills: u8,
    /// What went wrong on the way here.
    pub(super) wrong: Option<&'static str>,
}

impl Actor {
    fn with_places(mut self, places: [Who; ACTORS]) -> Self {
        let moved = |who: Who| places[usize::from(who)];
        let bits = |bits: u8| (0..ACTORS).filter(|who| bits & (1 << who) != 0).map(|who| 1 << places[who]).sum();
        self.target = self.target.map(moved);
        self.look.witness = self.look.witness.map(moved);
        self.look.life = self.look.life.map(|life| match life {
            Life::Running(who) => Life::Running(moved(who)),
            Life::Coming(who) => Life::Coming(moved(who)),
            Life::Claimless(who) => Life::Claimless(moved(who)),
            other => other,
        });
        let Meanwhile { lived, agreed, throughout, .. } = self.meanwhile;
        (self.meanwhile.lived, self.meanwhile.agreed) = (bits(lived), bits(agreed));
        self.meanwhile.throughout = bits(throughout);
        self
    }

    pub(super) fn of(verb: Verb) -> Self {
        Self {
            verb,
            run: match verb {
                Verb::Start => Call::MakeClaim,
                Verb::Stop | Verb::Status => Call::LookIdentity,
                Verb::Nobody => Call::Nothing,
            },
            daemon: Call::Nothing,
            claim: None,
            open: [false; 2],
            fresh: false,
            claimed: false,
            starting: false,
            file: None,
            text: Text::Nothing,
            witness: false,
            vouched: false,
            mine: [false; 2],
            said_ready: false,
            agreed: false,
            doomed: false,
            target: None,
            look: Look::default(),
            meanwhile: Meanwhile::default(),
            answer: None,
        }
    }

    pub(super) fn next(&self, process: Process) -> Call {
        match process {
            Process::Run => self.run,
            Process::Daemon => self.daemon,
        }
    }

    pub(super) fn go(&mut self, process: Process, call: Call) {
        match process {
            Process::Run => self.run = call,
            Process::Daemon => self.daemon = call,
        }
    }

    /// A daemon to everybody: sealed, and not at its end.
    pub(super) fn is_at_work(&self) -> bool {
        matches!(self.daemon, Call::DaemonStarted | Call::Work)
    }

    /// Closes the descriptors of one process; with the last one the kernel drops the OFD locks.
    pub(super) fn close(&mut self, process: Process) {
        self.open[process as usize] = false;
        if self.open == [false; 2] {
            (self.claim, self.file, self.text) = (None, None, Text::Nothing);
            (self.claimed, self.starting, self.fresh) = (false, false, false);
        }
    }

    pub(super) fn answer(&mut self, answer: Answer) {
        self.answer = Some(answer);
        self.run = Call::Nothing;
        self.close(Process::Run);
        (self.look, self.meanwhile, self.target) = (Look::default(), Meanwhile::default(), None);
        self.mine[0] = false;
    }

    /// Whether nothing is left to do of it.
    pub(super) fn is_over(&self) -> bool {
        self.run == Call::Nothing && matches!(self.daemon, Call::Nothing | Call::Dead)
    }
}

impl State {
    pub(super) fn of(verbs: [Verb; ACTORS], left: &[fn(&mut Names, Inode)]) -> Self {
        let mut names = Names::default();
        for (inode, leave) in (0..).zip(left) {
            leave(&mut names, inode);
        }
        let text = if names.pidfile.is_some() { Text::Number } else { Text::Nothing };
        Self { names, text, actors: verbs.map(Actor::of), kills: 0, wrong: None }
    }

    /// Of all states that differ only in which of several actors of one kind is which, always the same.
    pub(super) fn standard(self) -> Self {
        let orders: [[Who; ACTORS]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let kept = |order: &[Who; ACTORS]| {
            order.iter().zip(&self.actors).all(|(place, actor)| self.actors[usize::from(*place)].verb == actor.verb)
        };
        orders.into_iter().filter(kept).map(|places| self.with_places(places)).min().unwrap_or(self)
    }

    fn with_places(&self, places: [Who; ACTORS]) -> Self {
        let mut moved = self.clone();
        for (actor, place) in self.actors.iter().zip(places) {
            moved.actors[usize::from(place)] = actor.with_places(places);
        }
        moved.number_anew();
        moved
    }

    /// A number for a new file.
    pub(super) fn new_inode(&self) -> Inode {
        (0..=Inode::MAX).find(|inode| !self.is_meant(*inode)).unwrap_or_default()
    }

    fn is_meant(&self, inode: Inode) -> bool {
        let Names { claim, draft, pidfile } = self.names;
        let by_name = [claim, draft, pidfile].contains(&Some(inode));
        by_name
            || self
                .actors
                .iter()
                .any(|a| [a.claim, a.file, a.look.claim, a.look.file, a.look.before].contains(&Some(inode)))
    }

    /// Forgets what can matter to nobody any more, so that states that are alike are equal: how actors came out that are gone,
    /// and what stood in a pidfile that is.
    pub(super) fn tidy(&mut self) {
        for actor in self.actors.iter_mut().filter(|actor| actor.is_over()) {
            *actor = Actor { run: Call::Nothing, ..Actor::of(actor.verb) };
        }
        if self.names.pidfile.is_none() {
            self.text = Text::Nothing;
        }
    }

    /// Numbers the files by the order in which one comes to them.
    fn number_anew(&mut self) {
        let mut known = [None; 16];
        let mut next = 0;
        let mut anew = |inode: &mut Option<Inode>| {
            let Some(old) = *inode else { return };
            *inode = *known[usize::from(old)].get_or_insert_with(|| {
                next += 1;
                Some(next - 1)
            });
        };
        let Names { claim, draft, pidfile } = &mut self.names;
        [claim, draft, pidfile].into_iter().for_each(&mut anew);
        for actor in &mut self.actors {
            let Look { before, claim, file, .. } = &mut actor.look;
            [&mut actor.claim, &mut actor.file, before, claim, file].into_iter().for_each(&mut anew);
        }
    }

    /// Whether somebody else holds the claim on this file, or its starting byte; by an OFD lock.
    pub(super) fn is_locked(&self, inode: Option<Inode>, by: fn(&Actor) -> bool) -> bool {
        inode.is_some() && self.actors.iter().any(|actor| actor.claim == inode && by(actor))
    }

    /// Who holds the witness on this claim; by a POSIX lock.
    pub(super) fn witness(&self, inode: Option<Inode>) -> Option<Who> {
        self.who(|actor| inode.is_some() && actor.claim == inode && actor.witness)
    }

    /// Who holds the witness on this pidfile.
    pub(super) fn vouching(&self, inode: Option<Inode>) -> Option<Who> {
        self.who(|actor| inode.is_some() && actor.file == inode && actor.vouched)
    }

    fn who(&self, is: impl Fn(&Actor) -> bool) -> Option<Who> {
        (0..).zip(&self.actors).find(|(_, actor)| is(actor)).map(|(who, _)| who)
    }

    /// The actors of which something is true, as bits.
    pub(super) fn those(&self, is: impl Fn(&Actor) -> bool) -> u8 {
        (0..).zip(&self.actors).filter(|(_, actor)| is(actor)).map(|(who, _)| 1 << who).sum()
    }
}
