//! Repetition with the attribute: `skip` and `burst` do BENCH_TICKS ticks of one microsecond with nothing to do, `drift` does
//! as many of 50 ms with 20 ms to do, and prints how many nanoseconds after the first each of them came.

use std::env;
use std::process::{ExitCode, Termination};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use daemon_runtime::{Outcome, repeat_daemon};

const PERIOD: Duration = Duration::from_millis(50);
const BODY: Duration = Duration::from_millis(20);

fn ticks() -> u64 {
    env::var("BENCH_TICKS").ok().and_then(|ticks| ticks.parse().ok()).expect("how many ticks")
}

fn pidfile() -> String {
    env::var("BENCH_PIDFILE").expect("a pidfile")
}

#[repeat_daemon(every = "1us", times = ticks(), pidfile = pidfile())]
fn skip() {}

#[repeat_daemon(every = "1us", missed = "burst", times = ticks(), pidfile = pidfile())]
fn burst() {}

#[repeat_daemon(every = PERIOD, times = ticks(), pidfile = pidfile())]
fn drift() {
    static BEGUN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    begun.push(Instant::now());
    sleep(BODY);
    if begun.len() as u64 == ticks() {
        begun.iter().for_each(|tick| println!("{}", (*tick - begun[0]).as_nanos()));
    }
}

fn main() -> ExitCode {
    let told: fn(&'static str) -> Outcome = match env::args().nth(1).as_deref() {
        Some("skip") => |action| skip(action),
        Some("burst") => |action| burst(action),
        Some("drift") => |action| drift(action),
        _ => return ExitCode::from(2),
    };
    told("run").report()
}
