//! The attributes on what a macro makes, with a runtime that goes by another path.
#![deny(warnings)]

use daemon_runtime::Outcome;

mod library {
    pub use daemon_runtime as runtime;

    macro_rules! every_five_seconds {
        ($name:ident, $pidfile:expr, $context:ty, $body:block) => {
            #[$crate::library::runtime::repeat_daemon(
                every = "5s",
                pidfile = $pidfile,
                crate = $crate::library::runtime
            )]
            fn $name(_: &$context) $body
        };
    }

    pub(crate) use every_five_seconds;
}

library::every_five_seconds!(worker, "/run/worker.pid", library::runtime::Context, {
    println!("working");
});

fn main() {
    let _: fn(&'static str) -> Outcome = worker;
}
