//! A `logs -f` that runs, and what it has shown so far.

use std::io::Read;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::home::{Program, Told, eventually};

/// A `logs -f` that runs.
pub struct Follower {
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Follower {
    /// Runs the program with these words after `logs -f`.
    pub fn begin(program: Program, words: &[&str]) -> Self {
        let mut child = program.spawn(&[&["logs", "-f"], words].concat());
        let shown = kept(child.stdout.take().expect("a pipe"));
        let said = kept(child.stderr.take().expect("a pipe"));
        Self { child, shown, said }
    }

    pub fn shown(&self) -> String {
        text(&self.shown)
    }

    /// What it has said on stderr.
    pub fn said(&self) -> String {
        text(&self.said)
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn says(&self, what: &str) {
        eventually(&format!("{what:?} to be said"), || text(&self.said).len() >= what.len());
        assert_eq!(text(&self.said), what);
    }

    /// Waits until it has shown just this.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        eventually(&format!("{text:?} to be shown"), || self.shown().len() >= text.len());
        assert_eq!(self.shown(), text);
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")), signal).expect("it is our child");
    }

    /// Ctrl-C ends it, without a word.
    #[track_caller]
    pub fn ends_silently(self) {
        let before = text(&self.said);
        self.signal(Signal::SIGINT);
        Told::of(self.child).assert(130, "", "");
        assert_eq!(text(&self.said), before);
    }
}

/// What is read from there on a thread of its own, to the end.
fn kept(mut from: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let more = Arc::clone(&all);
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            more.lock().expect("nobody panics with it").extend_from_slice(&buffer[..count]);
        }
    });
    all
}

fn text(kept: &Mutex<Vec<u8>>) -> String {
    String::from_utf8(kept.lock().expect("nobody panics with it").clone()).expect("text")
}
