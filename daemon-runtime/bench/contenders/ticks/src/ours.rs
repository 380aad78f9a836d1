//! Repetition with the attribute: `skip` and `burst` do BENCH_TICKS ticks of one microsecond with nothing to do, `drift` does
//! as many of 50 ms with 20 ms to do, and prints by how many nanoseconds the last one came too late after the first.

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
    static BEGUN: Mutex<Option<(Instant, u32)>> = Mutex::new(None);
    let now = Instant::now();
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    let (first, done) = begun.get_or_insert((now, 0));
    if u64::from(*done) + 1 == ticks() {
        println!("{}", (now - *first).as_nanos() as i128 - (PERIOD * *done).as_nanos() as i128);
    }
    *done += 1;
    sleep(BODY);
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
