//! Where a function may stand, and what it keeps.
#![deny(warnings, missing_docs)]

use daemon_runtime::Outcome;

/// Its visibility, attributes and documentation.
pub mod kept {
    use daemon_runtime::{Context, daemon};

    /// Seen from outside.
    #[daemon]
    pub fn public() {}

    #[daemon]
    pub(crate) fn restricted() {}

    #[daemon]
    #[allow(dead_code, reason = "nobody calls it")]
    fn unused() {}

    #[cfg(any())]
    #[daemon]
    fn left_out() {
        not_even_resolved()
    }

    #[daemon]
    #[allow(unused_variables, reason = "lint levels reach the worker")]
    pub(super) fn lints(ctx: &Context) {
        let unused = 1;
    }

    #[daemon]
    pub(super) fn r#loop() {}
}

/// A whole program, were it at the root.
pub mod program {
    use daemon_runtime::{Context, daemon};

    /// Reads its own command line.
    #[daemon]
    pub fn main(ctx: &Context) {
        ctx.ready();
    }
}

struct Server;

impl Server {
    #[daemon_runtime::daemon]
    fn associated() {}
}

fn main() {
    #[daemon_runtime::repeat_daemon(every = "5s")]
    fn nested(tick: &daemon_runtime::Tick) {
        let _ = tick.number();
    }

    let _: [fn(&'static str) -> Outcome; 6] =
        [kept::public, kept::restricted, kept::lints, kept::r#loop, Server::associated, nested];
    let _: fn() -> Outcome = program::main;
}
