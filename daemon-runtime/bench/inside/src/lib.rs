//! The parts of the two crates that nobody else may call, to be measured: their very files are compiled into this one. (A
//! library of attributes can be linked by a compiler only; and the runtime shows its schedule to nobody.)
#![allow(dead_code, missing_docs, reason = "the files are whole, and only some of their functions are asked for")]

use std::hint::black_box;
use std::time::Duration;

#[path = "../../../../daemon-macros/src"]
mod macros {
    pub(crate) mod attribute;
    pub(crate) mod doc;
    pub(crate) mod expand;
    pub(crate) mod item;
    pub(crate) mod mistakes;
    pub(crate) mod model;
    pub(crate) mod transform;
}
pub(crate) use macros::{attribute, doc, expand, item, mistakes, model};

#[path = "../../../src"]
mod runtime {
    pub(crate) mod schedule;
}

/// The plain data that the schedule is reckoned from, as the runtime's module of this name has it.
mod spec {
    use std::time::Duration;

    #[derive(Debug, Clone)]
    pub(crate) struct Timetable {
        pub(crate) every: Duration,
        pub(crate) times: u64,
        pub(crate) missed: setting::Missed,
        pub(crate) jitter: Duration,
        pub(crate) initial_delay: Duration,
    }

    pub(crate) mod setting {
        #[derive(Debug, Clone, Copy)]
        pub(crate) enum Missed {
            Skip,
            Burst,
            Delay,
        }
    }
}

/// What `#[daemon(...)]` makes of an item.
pub fn expand_daemon(
    attribute: &proc_macro2::TokenStream,
    item: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    macros::transform::transform(attribute::Kind::Daemon, attribute.clone(), item.clone())
}

/// Reckons when so many ticks of a schedule are due, each after one that has taken its time.
pub fn ticks(times: u64) {
    let table = spec::Timetable {
        every: Duration::from_millis(5),
        times,
        missed: spec::setting::Missed::Skip,
        jitter: Duration::ZERO,
        initial_delay: Duration::ZERO,
    };
    let mut due = table.first();
    for _ in 0..times {
        due = table.after(due, due.at + Duration::from_millis(1));
        black_box(due);
    }
}
