//! The start of the limit by a launcher that has much memory; or its stop.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(limit) = limit::Limit::here() else { return ExitCode::from(2) };
    match env::args().nth(1).as_deref() {
        Some("start") => {
            ballast::take();
            ballast::timed(|| limit.start())
        }
        Some("stop") => limit.stop(),
        _ => ExitCode::from(2),
    }
}
