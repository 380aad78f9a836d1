//! The limit in bare Rust as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(limit) = limit::Limit::here() else { return ExitCode::from(2) };
    match std::env::args().nth(1).as_deref() {
        Some("start") => limit.start(),
        Some("stop") => limit.stop(),
        Some("status") => limit.status(),
        Some("restart") => limit.restart(),
        _ => ExitCode::from(2),
    }
}
