//! Repetition at its limit, in bare Rust: one clock_nanosleep(2) up to a time that is reckoned from the beginning. It does what
//! `ours.rs` does (`skip`, `burst`, `drift`), and `article` is the loop that everybody writes: the work, then a pause.

use std::env;
use std::hint::black_box;
use std::process::ExitCode;
use std::ptr;
use std::thread::sleep;
use std::time::Duration;

const MICROSECOND: i64 = 1_000;
const PERIOD: i64 = 50_000_000;
const PAUSE: Duration = Duration::from_millis(50);
const BODY: Duration = Duration::from_millis(20);
const SECOND: i64 = 1_000_000_000;

fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is of the type that is written.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec * SECOND + time.tv_nsec
}

fn sleep_until(due: i64) {
    let due = libc::timespec { tv_sec: due / SECOND, tv_nsec: due % SECOND };
    // SAFETY: the time is of the type that is read, and nothing is written.
    unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &raw const due, ptr::null_mut()) };
}

fn nothing() {
    black_box(());
}

fn skip(ticks: i64) {
    let begun = now();
    let mut due = begun;
    for _ in 0..ticks {
        sleep_until(due);
        nothing();
        due = begun + (now() - begun) / MICROSECOND * MICROSECOND + MICROSECOND;
    }
}

fn burst(ticks: i64) {
    let mut due = now();
    for _ in 0..ticks {
        // The call sleeps for what is over, too: it arms a timer for it.
        if now() < due {
            sleep_until(due);
        }
        nothing();
        due += MICROSECOND;
    }
}

/// Prints how many nanoseconds after the first each tick came.
fn drift(ticks: i64, wait: impl Fn(i64, i64)) {
    let begun = now();
    let mut came = Vec::new();
    for tick in 0..ticks {
        wait(tick, begun + tick * PERIOD);
        came.push(now());
        sleep(BODY);
    }
    came.iter().for_each(|time| println!("{}", time - came[0]));
}

fn main() -> ExitCode {
    let ticks = env::var("BENCH_TICKS").ok().and_then(|ticks| ticks.parse().ok());
    let (Some(ticks), Some(what)) = (ticks, env::args().nth(1)) else { return ExitCode::from(2) };
    match what.as_str() {
        "skip" => skip(ticks),
        "burst" => burst(ticks),
        "drift" => drift(ticks, |_, due| sleep_until(due)),
        "article" => drift(ticks, |tick, _| sleep(if tick == 0 { Duration::ZERO } else { PAUSE })),
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}
