//! A clock that is set back or forward by an hour moves no tick, no time-out and no uptime. The machine's own clock is left
//! alone: the programs see it through a library that is preloaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::home::{Home, Program, Told, eventually};
use crate::surroundings::start;

const HOUR: i64 = 3600;
const EVERY: Duration = Duration::from_millis(20);

/// The clocks of a test's programs.
struct Clocks {
    home: Home,
    library: PathBuf,
    begun: Instant,
}

impl Clocks {
    fn new() -> Self {
        let home = Home::new();
        let (library, source) =
            (home.path("clock.so"), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clock.c"));
        let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
        assert!(built.is_ok_and(|status| status.success()), "a C compiler can build it");
        Self { home, library, begun: Instant::now() }
    }

    fn actor(&self, role: &str) -> Program {
        let program = self.home.actor(role).set("LD_PRELOAD", &self.library);
        program.set("CLOCK_REALTIME", self.home.path("realtime")).set("CLOCK_MONOTONIC", self.home.path("monotonic"))
    }

    fn ticking(&self, missed: &str) -> Program {
        let program = self.actor("ticks").set("ACTOR_EVERY", "20ms").set("ACTOR_TICK", "notes-the-time");
        program.set("ACTOR_MISSED", missed)
    }

    /// Sets a clock, all at once.
    fn set(&self, clock: &str, ahead: i64) {
        fs::write(self.home.path("next"), ahead.to_string()).expect("written");
        fs::rename(self.home.path("next"), self.home.path(clock)).expect("renamed");
    }

    /// The numbers of the ticks so far.
    fn ticks(&self) -> Vec<u32> {
        let number = |line: &String| line.strip_prefix("tick ").and_then(|number| number.parse().ok());
        self.home.lines("notes").iter().filter_map(number).collect()
    }

    /// How far the clock of the last tick was from this test's.
    fn seen_ahead(&self) -> i64 {
        let time = |line: &String| line.strip_prefix("time ").and_then(|seconds| seconds.parse::<i64>().ok());
        let last = self.home.lines("notes").iter().rev().find_map(time).unwrap_or_default();
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        last - i64::try_from(now).expect("a time")
    }

    /// Whether a tick has come before it was due. Tick n is due n periods after the daemon's beginning, which was later than
    /// this test's: it can only be late, however slow the machine is.
    fn is_early(&self) -> bool {
        let last = self.ticks().into_iter().max().unwrap_or(0);
        EVERY * last > self.begun.elapsed()
    }

    #[track_caller]
    fn await_more_ticks(&self) {
        let so_far = self.ticks().len();
        eventually("more ticks", || self.ticks().len() >= so_far + 5);
    }
}

#[test]
fn the_ticks_go_on_by_the_monotonic_schedule_whichever_way_the_clock_is_set() {
    for missed in ["skip", "burst", "delay"] {
        for ahead in [HOUR, -HOUR] {
            let clocks = Clocks::new();
            start(&clocks.home, clocks.ticking(missed));
            clocks.await_more_ticks();
            clocks.set("realtime", ahead);
            eventually("a tick that sees the other time", || (clocks.seen_ahead() - ahead).abs() < HOUR / 2);
            clocks.await_more_ticks();
            assert!(!clocks.is_early(), "{missed}, {ahead}: {:?}", clocks.ticks().last());
            let ticks = clocks.ticks();
            assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{missed}, {ahead}: {ticks:?}");
            clocks.actor("ticks").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
            clocks.home.assert_nothing_left();
        }
    }
}

#[test]
fn the_uptime_stays_true_whichever_way_the_clock_is_set() {
    for ahead in [HOUR, -HOUR] {
        let clocks = Clocks::new();
        let pid = start(&clocks.home, clocks.actor("ready"));
        clocks.set("realtime", ahead);
        let told = clocks.actor("ready").run(&["status", "--json"]);
        let uptime = serde_json::from_str::<serde_json::Value>(&told.stdout).expect("JSON")["uptime"].as_f64();
        let most = clocks.begun.elapsed().as_secs_f64() + 1.0;
        assert!(uptime.is_some_and(|uptime| (0.0..most).contains(&uptime)), "{ahead}: {told:?}");
        let line = clocks.actor("ready").run(&["status"]).stdout;
        let minutes = clocks.begun.elapsed().as_secs() / 60 + 1;
        assert!(
            (0..=minutes).any(|m| line.starts_with(&format!("actor -- pid: {pid}, status: running, uptime: {m}m,"))),
            "{line}"
        );
    }
}

#[test]
fn a_start_and_a_stop_run_out_of_no_time_when_the_clock_is_set_forward() {
    let clocks = Clocks::new();
    let child = clocks.actor("ready-on-go").set("ACTOR_READY", "notify").spawn(&["start"]);
    eventually("a daemon on its way", || clocks.home.pidfile().exists());
    clocks.set("realtime", HOUR);
    clocks.home.go();
    Told::of(child).assert(0, &format!("Starting actor ... OK (pid {})\n", clocks.home.pid()), "");
    clocks.actor("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");

    fs::remove_file(clocks.home.path("go")).expect("it is there");
    start(&clocks.home, clocks.actor("slow").set("ACTOR_SETTLE", "20ms"));
    let child = clocks.actor("slow").spawn(&["stop"]);
    eventually("the request", || clocks.home.lines("notes") == ["asked"]);
    clocks.set("realtime", 2 * HOUR);
    clocks.home.go();
    Told::of(child).assert(0, "Stopping actor ... OK\n", "");
    clocks.home.assert_nothing_left();
}

/// The method finds a daemon that goes by a clock which is set: here the monotonic one is.
#[test]
fn a_schedule_by_a_clock_that_is_set_would_be_noticed() {
    let clocks = Clocks::new();
    start(&clocks.home, clocks.ticking("burst"));
    clocks.await_more_ticks();
    assert!(!clocks.is_early());
    clocks.set("monotonic", HOUR);
    eventually("a tick before it is due", || clocks.is_early());
}
