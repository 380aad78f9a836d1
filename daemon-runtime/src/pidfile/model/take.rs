//! What each call does, with the names, the files and the locks as the kernel has them.

use super::call::Call;
use super::question;
use super::state::{Answer, Meanwhile, Process, Text, Verb};
use super::step::Step;
use super::wrong::Wrong;

impl Step<'_> {
    pub(super) fn take(&mut self) {
        let (who, process) = (self.who, self.process);
        match self.state.actors[who].next(process) {
            Call::MakeClaim
            | Call::OpenClaim
            | Call::LockClaim
            | Call::CompareClaim
            | Call::RemoveStale
            | Call::CloseStale => self.take_claim(),
            Call::OpenPidfile | Call::AskPidfile | Call::RemoveOthersClaim => self.ask_pidfile(),
            Call::RemoveDraft | Call::CreateDraft | Call::Fork => self.prepare(),
            Call::Vouch | Call::Agree | Call::Started | Call::Part => self.launch(),
            Call::WitnessClaim | Call::WriteHalf | Call::WriteRest | Call::WitnessFile | Call::Publish => self.seal(),
            Call::DaemonStarted => {
                let actor = self.actor();
                (actor.starting, actor.agreed) = (false, true);
                self.then(Call::Work);
            }
            Call::IsClaim
            | Call::IsPidfile
            | Call::RemoveSealed
            | Call::RemovePidfile
            | Call::ReleaseDraft
            | Call::ReleaseClaim => self.release(),
            Call::CloseClaim | Call::CloseFile | Call::CloseLast => self.die(),
            Call::HasPidfile
            | Call::HasClaim
            | Call::HasDraft
            | Call::ClearPidfile
            | Call::ClearDraft
            | Call::ClearClaim => self.clear(),
            Call::Work | Call::Dead | Call::Nothing => {}
            _ => question::look(self),
        }
    }

    fn take_claim(&mut self) {
        let process = self.process;
        match self.me().next(process) {
            Call::MakeClaim if self.state.names.claim.is_some() => self.then(Call::OpenClaim),
            Call::MakeClaim => {
                self.state.names.claim = Some(self.state.new_inode());
                self.has_open();
                self.actor().fresh = true;
            }
            Call::OpenClaim if self.state.names.claim.is_none() => self.then(Call::MakeClaim),
            Call::OpenClaim => self.has_open(),
            Call::LockClaim => self.lock_claim(),
            Call::CompareClaim => match (self.state.names.claim == self.me().claim, self.me().fresh) {
                (true, true) => self.then(Call::OpenPidfile),
                (true, false) => self.then(Call::RemoveStale),
                (false, _) => self.then(Call::CloseStale),
            },
            Call::RemoveStale => {
                self.state.names.claim = None;
                self.then(Call::CloseStale);
            }
            _ => {
                self.actor().close(process);
                self.then(Call::MakeClaim);
            }
        }
    }

    fn has_open(&mut self) {
        let claim = self.state.names.claim;
        let actor = self.actor();
        (actor.claim, actor.open[0]) = (claim, true);
        self.then(Call::LockClaim);
    }

    fn lock_claim(&mut self) {
        let (process, inode) = (self.process, self.me().claim);
        if self.state.is_locked(inode, |actor| actor.claimed || actor.starting) {
            if self.state.is_locked(inode, |actor| actor.verb == Verb::Status && actor.claimed) {
                self.state.wrong = Some("a question got in the way of a start");
            }
            self.actor().close(process);
            return self.refused();
        }
        let actor = self.actor();
        (actor.claimed, actor.starting) = (true, true);
        let next = match (self.is(Wrong::LockedWithoutComparing), self.me().fresh) {
            (false, _) => Call::CompareClaim,
            (true, true) => Call::OpenPidfile,
            (true, false) => Call::RemoveStale,
        };
        self.then(next);
    }

    /// The claim is held: a start looks who has it, a clearing leaves it to him.
    fn refused(&mut self) {
        match self.me().verb {
            Verb::Start => self.then(Call::LookIdentity),
            _ => self.actor().answer(Answer::Stopped),
        }
    }

    fn ask_pidfile(&mut self) {
        let process = self.process;
        match self.me().next(process) {
            Call::OpenPidfile => {
                let file = self.state.names.pidfile;
                self.actor().look.file = file;
                match file {
                    Some(_) => self.then(Call::AskPidfile),
                    None => self.either(Call::RemoveDraft, Call::ClearPidfile),
                }
            }
            Call::AskPidfile => {
                let lives = self.state.vouching(self.me().look.file).is_some();
                self.actor().look.file = None;
                if lives {
                    self.either(Call::RemoveOthersClaim, Call::ClearClaim);
                } else {
                    self.either(Call::RemoveDraft, Call::ClearPidfile);
                }
            }
            _ => {
                self.state.names.claim = None;
                self.actor().close(process);
                self.then(Call::LookIdentity);
            }
        }
    }

    fn prepare(&mut self) {
        let process = self.process;
        match self.me().next(process) {
            Call::RemoveDraft => {
                self.state.names.draft = None;
                self.then(Call::CreateDraft);
            }
            Call::CreateDraft => {
                if self.state.names.draft.is_some() {
                    return self.fails_for_nothing();
                }
                let inode = self.state.new_inode();
                self.state.names.draft = Some(inode);
                self.actor().file = Some(inode);
                self.then(Call::Fork);
            }
            _ => {
                let closes = self.is(Wrong::ClaimClosedBeforeTheFork);
                let [first, ..] = self.order();
                let actor = self.actor();
                (actor.open[1], actor.daemon) = (true, first);
                actor.claimed &= !closes;
                actor.meanwhile = Meanwhile::default();
                self.then(Call::Vouch);
            }
        }
    }

    /// Something was in the way that can only be another's.
    fn fails_for_nothing(&mut self) {
        self.state.wrong = Some("a start failed because of another one");
    }

    fn launch(&mut self) {
        let (process, who) = (self.process, self.who);
        match self.me().next(process) {
            Call::Vouch => {
                let is_whole = self.state.witness(self.me().claim).map(usize::from) == Some(who);
                let believes = self.is(Wrong::AgreedWithoutAsking) && self.me().daemon != Call::Dead;
                self.then(if is_whole || believes { Call::Agree } else { Call::IsClaim });
            }
            Call::Agree => {
                let is_heard = self.me().daemon != Call::Dead;
                self.actor().agreed = is_heard;
                let is_one = self.me().witness;
                if is_heard && !is_one && self.is(Wrong::AgreedWithoutAsking) {
                    self.state.wrong = Some("a start was agreed on with one who is no daemon any more");
                }
                self.then(if is_heard { Call::Started } else { Call::IsClaim });
            }
            Call::Started => {
                self.actor().starting = false;
                self.then(Call::Part);
            }
            _ => {
                let unlocks = self.is(Wrong::UnlockedByTheLauncher);
                let actor = self.actor();
                actor.claimed &= !unlocks;
                actor.answer(Answer::Started);
            }
        }
    }

    /// The order of `seal`.
    fn order(&self) -> [Call; 5] {
        use Call::{Publish, WitnessClaim, WitnessFile, WriteHalf, WriteRest};
        match self.wrong {
            Some(Wrong::PublishedBeforeLocked) => [WriteHalf, WriteRest, WitnessClaim, Publish, WitnessFile],
            Some(Wrong::PublishedBeforeWritten) => [WitnessClaim, WitnessFile, Publish, WriteHalf, WriteRest],
            _ => [WriteHalf, WriteRest, WitnessClaim, WitnessFile, Publish],
        }
    }

    fn seal(&mut self) {
        let process = self.process;
        let order = self.order();
        let call = self.me().next(process);
        let (claim, file) = (self.me().claim, self.me().file);
        match call {
            Call::WitnessClaim if self.state.witness(claim).is_some() => return self.fails_for_nothing(),
            Call::WitnessClaim => self.actor().witness = true,
            Call::WriteHalf | Call::WriteRest => {
                let text = if call == Call::WriteHalf { Text::Half } else { Text::Number };
                self.actor().text = text;
                if self.state.names.pidfile == file {
                    self.state.text = text;
                }
            }
            Call::WitnessFile => self.actor().vouched = true,
            _ => match self.state.names.draft.take() {
                Some(draft) if Some(draft) != file => self.state.wrong = Some("another's draft was published"),
                Some(draft) => (self.state.names.pidfile, self.state.text) = (Some(draft), self.me().text),
                None => return self.fails_for_nothing(),
            },
        }
        let at = order.iter().position(|known| *known == call).unwrap_or_default();
        if let Some(next) = order.get(at + 1) {
            return self.then(*next);
        }
        // All stages are behind it, and it says that it is ready.
        let (unlocks, lets_go) = (self.is(Wrong::StartedWhenSealed), self.is(Wrong::ClaimNotKept));
        let actor = self.actor();
        actor.said_ready = true;
        actor.starting &= !unlocks;
        actor.claimed &= !lets_go;
        self.then(Call::DaemonStarted);
    }

    fn release(&mut self) {
        let (process, names) = (self.process, self.state.names);
        let at = process as usize;
        let claim_first = self.is(Wrong::ClaimRemovedFirst);
        let by_name = self.is(Wrong::RemovedWithoutComparing);
        match self.me().next(process) {
            Call::IsClaim => {
                let mine = by_name || names.claim == self.me().claim;
                self.actor().mine[at] = mine;
                self.then(if claim_first && mine { Call::ReleaseClaim } else { Call::IsPidfile });
            }
            Call::IsPidfile => {
                let mine = self.me().mine[at];
                let is_same = by_name || (names.pidfile.is_some() && names.pidfile == self.me().file);
                match (is_same, mine) {
                    (true, _) => self.then(Call::RemoveSealed),
                    (false, true) => self.then(Call::RemovePidfile),
                    (false, false) => self.leave(),
                }
            }
            Call::RemoveSealed | Call::RemovePidfile => {
                self.state.names.pidfile = None;
                if self.me().mine[at] { self.then(Call::ReleaseDraft) } else { self.leave() }
            }
            Call::ReleaseDraft => {
                self.state.names.draft = None;
                if claim_first { self.leave() } else { self.then(Call::ReleaseClaim) }
            }
            _ => {
                self.state.names.claim = None;
                if claim_first { self.then(Call::IsPidfile) } else { self.leave() }
            }
        }
    }

    fn leave(&mut self) {
        match self.process {
            Process::Run => self.actor().answer(Answer::Failed),
            Process::Daemon => self.then(Call::CloseClaim),
        }
    }

    fn die(&mut self) {
        let actor = self.actor();
        actor.mine[1] = false;
        match actor.daemon {
            Call::CloseClaim => (actor.witness, actor.daemon) = (false, Call::CloseFile),
            Call::CloseFile => (actor.vouched, actor.daemon) = (false, Call::CloseLast),
            _ => {
                actor.close(Process::Daemon);
                actor.daemon = Call::Dead;
            }
        }
    }

    fn clear(&mut self) {
        let (process, names) = (self.process, self.state.names);
        let first = if self.is(Wrong::ClearedWithoutTheClaim) { Call::ClearPidfile } else { Call::MakeClaim };
        match self.me().next(process) {
            Call::HasPidfile => {
                self.actor().target = None;
                self.then(if names.pidfile.is_some() { first } else { Call::HasClaim });
            }
            Call::HasClaim => self.then(if names.claim.is_some() { first } else { Call::HasDraft }),
            Call::HasDraft if names.draft.is_some() => self.then(first),
            Call::HasDraft => self.actor().answer(Answer::Stopped),
            Call::ClearPidfile => {
                self.state.names.pidfile = None;
                self.then(Call::ClearDraft);
            }
            Call::ClearDraft => {
                self.state.names.draft = None;
                self.then(Call::ClearClaim);
            }
            _ => {
                self.state.names.claim = None;
                self.actor().answer(Answer::Stopped);
            }
        }
    }
}
