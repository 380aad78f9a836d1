//! One thread that is traced: who it is, and where it stands.

use std::collections::HashMap;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::unistd::Pid;

use crate::call::{Call, Place};

/// What the program is made to read as the answer of a call.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// The call is not done.
    Instead(Errno),
    /// The call is done.
    AfterAll(Errno),
}

#[derive(Debug)]
pub struct Tracee {
    thread: Pid,
    pub process: Pid,
    /// What its process is called.
    role: String,
    /// Which thread it is, where it is not the first.
    number: u32,
    threads: u32,
    children: u32,
    image: u32,
    pub has_begun: bool,
    pub in_main: bool,
    within: Option<Call>,
    answer: Option<Answer>,
    counts: HashMap<&'static str, u32>,
}

impl Tracee {
    fn new(thread: Pid, process: Pid, role: &str) -> Self {
        Self {
            thread,
            process,
            role: role.to_owned(),
            number: 0,
            threads: 0,
            children: 0,
            image: 0,
            has_begun: true,
            in_main: false,
            within: None,
            answer: None,
            counts: HashMap::new(),
        }
    }

    /// The program that was run.
    pub fn root(pid: Pid) -> Self {
        Self::new(pid, pid, "launcher")
    }

    /// One whose parent has not told of it yet.
    pub fn unknown(pid: Pid) -> Self {
        Self::new(pid, pid, "somebody")
    }

    /// A new action begins: the daemon of the one before is an old one.
    pub fn grow_old(&mut self) {
        self.role = format!("old {}", self.role);
        self.counts.clear();
        self.image = 0;
    }

    /// A child, or a new thread, that it has just made.
    pub fn child(&mut self, child: Pid, is_thread: bool) -> Self {
        let mut new = if is_thread {
            self.threads += 1;
            Self { number: self.number * 10 + self.threads, ..Self::new(child, self.process, &self.role) }
        } else {
            self.children += 1;
            Self::new(child, child, &self.role_of_child())
        };
        new.image = self.image;
        new.in_main = self.in_main;
        new
    }

    fn role_of_child(&self) -> String {
        match (self.role.as_str(), self.children) {
            ("launcher", 1) => "session leader".to_owned(),
            ("session leader", 1) => "daemon".to_owned(),
            (parent, number) => format!("child {number} of the {parent}"),
        }
    }

    /// It has begun a program, and has no other threads any more.
    pub fn begin_image(&mut self, pid: Pid) {
        (self.thread, self.process) = (pid, pid);
        (self.number, self.threads) = (0, 0);
        self.image += 1;
        self.in_main = false;
        self.counts.clear();
    }

    /// It is about to make a call.
    pub fn enter(&mut self, call: Call) -> Place {
        if call.number == libc::SYS_sched_yield {
            self.in_main = true;
        }
        self.within = Some(call);
        let name = call.kind().name;
        let nth = self.counts.entry(name).or_insert(0);
        *nth += 1;
        let who = match self.number {
            0 => self.role.clone(),
            number => format!("{}, thread {number}", self.role),
        };
        Place { who, image: self.image, name, nth: *nth }
    }

    /// Has the call that it is about to make answered otherwise.
    pub fn answer(&mut self, answer: Answer) {
        self.answer = Some(answer);
        if matches!(answer, Answer::Instead(_)) {
            // There is no such call, so nothing is done.
            self.change(|registers| registers.orig_rax = u64::MAX);
        }
    }

    /// Makes the call that it is about to make write one byte only.
    pub fn write_one_byte(&self) {
        self.change(|registers| registers.rdx = 1);
    }

    /// The call is done.
    pub fn leave(&mut self) {
        self.within = None;
        if let Some(Answer::Instead(errno) | Answer::AfterAll(errno)) = self.answer.take() {
            self.change(|registers| registers.rax = (-i64::from(errno as i32)).cast_unsigned());
        }
    }

    /// In a call that may last for ever.
    pub fn is_resting(&self) -> bool {
        self.has_begun && self.within.is_some_and(Call::may_rest)
    }

    fn change(&self, change: impl FnOnce(&mut libc::user_regs_struct)) {
        // One that was killed meanwhile has no registers any more, and needs none.
        let Ok(mut registers) = ptrace::getregs(self.thread) else { return };
        change(&mut registers);
        let _ = ptrace::setregs(self.thread, registers);
    }
}
