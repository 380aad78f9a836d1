//! The relay's thread.

use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use nix::sys::signal::SigSet;

use super::log::{Log, Sink};
use super::missing::Missing;
use super::strand::Strand;
use super::target::Target;
use super::{Handed, Which, is_same};
use crate::sys::atfork::close_in_children;
use crate::sys::disposition::Mask;
use crate::sys::pidfd::poll_timeout;

/// How often a log that takes nothing is tried again without anything new to write.
const RETRY: Duration = Duration::from_secs(1);

/// What a pipe is to hold while nobody reads from it.
const WIDE: i32 = 1024 * 1024;

/// What the thread is asked for.
pub(super) enum Order {
    /// To pass on what is there.
    PassOn(Sender<()>),
    /// The same, and then to go on with these logs, stdout's and stderr's.
    TurnTo([Option<OwnedFd>; 2], Sender<()>),
    /// To pass on what is there, with what has no end.
    Drain(Sender<()>),
    /// The same, and then to stand still until it is told to go on, or nobody is there to tell.
    Hold(Sender<io::Result<Still>>, Receiver<Sender<()>>),
    /// The same, and then to end.
    End(Sender<()>),
}

/// What there is once the thread stands still.
#[derive(Debug)]
pub(super) struct Still {
    pub(super) streams: Vec<(Which, Handed)>,
    pub(super) missing: Vec<Missing>,
}

#[derive(Debug)]
pub(super) struct Carrier {
    strands: Vec<Strand>,
    logs: Vec<Log<Target>>,
    orders: Receiver<Order>,
    wake: Arc<EventFd>,
    /// Whether the launcher still listens.
    listens: Arc<AtomicBool>,
    tried: Instant,
}

impl Carrier {
    pub(super) fn new(
        strands: Vec<Strand>,
        logs: Vec<Log<Target>>,
        orders: Receiver<Order>,
        wake: Arc<EventFd>,
        listens: Arc<AtomicBool>,
    ) -> Self {
        Self { strands, logs, orders, wake, listens, tried: Instant::now() }
    }

    /// Carries until it is ordered to end.
    pub(super) fn carry(mut self) {
        // Signals are for the other threads. SIGXFSZ and SIGPIPE, which come to the thread that writes, stay with this one for
        // ever: the write fails and says why, and the process lives.
        let _ = Mask::block(&SigSet::all()).map(std::mem::forget);
        loop {
            let readable = self.sleep();
            if !self.listens.load(Ordering::SeqCst) {
                self.strands.iter_mut().for_each(Strand::forget_launcher);
            }
            for (strand, _) in self.strands.iter_mut().zip(readable).filter(|(_, is_readable)| *is_readable) {
                strand.pass_some(&mut self.logs, &self.listens);
            }
            while let Ok(order) = self.orders.try_recv() {
                if self.obey(order).is_break() {
                    return;
                }
            }
            self.try_again();
        }
    }

    /// Sleeps until there is something to do; which strands have something.
    fn sleep(&self) -> Vec<bool> {
        let mut fds = vec![PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        let open = self.strands.iter().filter(|strand| !strand.is_over);
        fds.extend(open.map(|strand| PollFd::new(strand.reader.as_fd(), PollFlags::POLLIN)));
        let timeout = if self.is_behind() { poll_timeout(RETRY) } else { PollTimeout::NONE };
        if poll(&mut fds, timeout).is_err() {
            // The kernel has no memory for it just now: try again, but not at full speed.
            thread::sleep(Duration::from_millis(100));
        }
        // It says only that there is an order.
        let _ = self.wake.read();
        let mut readable = fds.iter().skip(1).map(|fd| fd.any().unwrap_or(false));
        self.strands.iter().map(|strand| !strand.is_over && readable.next().unwrap_or(false)).collect()
    }

    fn obey(&mut self, order: Order) -> ControlFlow<()> {
        // Who has given up waiting needs no answer.
        match order {
            Order::PassOn(done) => {
                self.pass_all();
                let _ = done.send(());
            }
            Order::TurnTo(files, done) => {
                self.pass_all();
                self.turn_to(files);
                let _ = done.send(());
            }
            Order::Drain(done) => {
                self.drain();
                let _ = done.send(());
            }
            Order::Hold(still, go_on) => self.hold(&still, &go_on),
            Order::End(done) => {
                self.strands.iter().for_each(|strand| drop(self.give_way(strand)));
                self.drain();
                // Before their numbers can come to mean other files of the program's.
                close_in_children(&[]);
                let _ = done.send(());
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn pass_all(&mut self) {
        for strand in &mut self.strands {
            strand.pass_all(&mut self.logs, &self.listens);
        }
    }

    /// What the logs before did not take is told in the new ones.
    fn turn_to(&mut self, mut files: [Option<OwnedFd>; 2]) {
        self.logs.iter_mut().for_each(try_to_tell);
        for at in 0..self.strands.len() {
            let Strand { which, log: before, .. } = self.strands[at];
            let Some(file) = files[which as usize].take().filter(|file| !is_of(&self.logs[before], file)) else {
                continue;
            };
            let known = self.logs.iter().position(|log| is_of(log, &file));
            self.strands[at].log = known.unwrap_or_else(|| {
                self.logs.push(Log::new(Target::new(file, None), Missing::default()));
                self.logs.len() - 1
            });
            if self.strands.iter().all(|strand| strand.log != before) {
                let owed = self.logs[before].part();
                self.logs[self.strands[at].log].inherit(owed);
            }
        }
        self.let_go();
    }

    /// Lets go of the logs that no strand leads to any more.
    fn let_go(&mut self) {
        for at in (0..self.logs.len()).rev().collect::<Vec<_>>() {
            if self.strands.iter().all(|strand| strand.log != at) {
                self.logs.remove(at);
                self.strands.iter_mut().filter(|strand| strand.log > at).for_each(|strand| strand.log -= 1);
            }
        }
    }

    fn drain(&mut self) {
        self.pass_all();
        for strand in &mut self.strands {
            strand.pass_unended(&mut self.logs);
        }
        self.logs.iter_mut().for_each(try_to_tell);
    }

    fn is_behind(&self) -> bool {
        self.logs.iter().any(Log::is_behind)
    }

    /// What is missing is told as soon as it can be, also if nothing more is written.
    fn try_again(&mut self) {
        if self.is_behind() && self.tried.elapsed() >= RETRY {
            self.tried = Instant::now();
            self.logs.iter_mut().for_each(try_to_tell);
        }
    }

    /// Stands still with nothing in hand, for as long as the other end lives: if all goes well, for ever.
    fn hold(&mut self, answer: &Sender<io::Result<Still>>, go_on: &Receiver<Sender<()>>) {
        self.drain();
        let writers: Vec<_> = self.strands.iter().map(|strand| self.step_aside(strand)).collect();
        // What was written until then is still in the pipes.
        self.drain();
        let _ = answer.send(self.still(&writers));
        let told = go_on.recv();
        for (strand, writer) in self.strands.iter().zip(writers) {
            // It was there a moment ago.
            let _ = writer.map(|writer| strand.which.put(writer));
        }
        let _ = told.map(|done| done.send(()));
    }

    /// Until the next image relays again, nobody reads: so what it writes before goes to the log itself, and what it says before
    /// it fails is not lost. A log that takes nothing would make it fail; there the pipe stays, and holds what it can.
    fn step_aside(&self, strand: &Strand) -> Option<OwnedFd> {
        let log = &self.logs[strand.log];
        if log.is_behind() || !log.sink().takes_lines_as_they_are() {
            // As wide as may be: it is wide enough as it is for all but a flood.
            let _ = fcntl(&strand.reader, FcntlArg::F_SETPIPE_SZ(WIDE));
            return None;
        }
        self.give_way(strand)
    }

    /// Puts the log in the stream's place, unless something else is there; the pipe, which was there.
    fn give_way(&self, strand: &Strand) -> Option<OwnedFd> {
        let writer = strand.which.copy().ok().filter(|writer| is_same(writer, &strand.reader))?;
        strand.which.put(self.logs[strand.log].sink().file()).ok()?;
        Some(writer)
    }

    fn still(&mut self, writers: &[Option<OwnedFd>]) -> io::Result<Still> {
        let missing = self.logs.iter_mut().map(Log::give_up).collect();
        let streams = self.strands.iter().zip(writers).map(|(strand, writer)| {
            let (reader, log) = (strand.reader.try_clone()?.into(), self.logs[strand.log].sink().file().try_clone()?);
            let writer = writer.as_ref().map(OwnedFd::try_clone).transpose()?;
            Ok((strand.which, Handed { reader, writer, log }))
        });
        Ok(Still { streams: streams.collect::<io::Result<_>>()?, missing })
    }
}

fn is_of(log: &Log<Target>, file: &OwnedFd) -> bool {
    is_same(log.sink().file(), file)
}

fn try_to_tell<S: Sink>(log: &mut Log<S>) {
    // What cannot be told yet is kept.
    let _ = log.catch_up();
}
