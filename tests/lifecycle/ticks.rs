//! What a repeating daemon tells of its ticks, to whoever may read the pidfile.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::home::{Home, Program, Told, eventually, is_over, is_root};

/// The ticking actor: a tick of these words each, every so long.
pub fn ticking(home: &Home, every: &str, words: &str) -> Program {
    home.actor("ticks").set("ACTOR_EVERY", every).set("ACTOR_TICK", words)
}

/// Starts it. Nothing is heard of it on stderr.
#[track_caller]
pub fn start(home: &Home, every: &str, words: &str) -> i32 {
    let told = ticking(home, every, words).set("ACTOR_STDERR", home.path("log")).run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    home.pid()
}

pub fn ask(home: &Home, words: &[&str]) -> Told {
    home.actor("ticks").run(words)
}

/// The lines below that of the daemon.
#[track_caller]
pub fn below(told: &Told) -> Vec<String> {
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    let mut lines = told.stdout.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("actor -- pid: ")), "{told:?}");
    lines.map(|line| line.strip_prefix("  ").unwrap_or_else(|| panic!("{told:?}")).to_owned()).collect()
}

#[track_caller]
pub fn json_of(home: &Home) -> Value {
    let told = ask(home, &["status", "--json"]);
    assert_eq!((told.code, told.stderr.as_str(), told.stdout.lines().count()), (0, "", 1), "{told:?}");
    serde_json::from_str(&told.stdout).expect("JSON")
}

pub fn record(home: &Home) -> PathBuf {
    home.path("run/actor.pid.record")
}

/// Between two words; nothing where they do not stand there.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.split_once(after).map(|(between, _)| between)
}

#[test]
fn a_repeating_daemon_tells_what_has_been_and_what_comes_below_its_line() {
    let home = Home::new();
    start(&home, "1h", "well");
    let lines = below(&ask(&home, &["status"]));
    let [ticks, last, next] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(ticks, "ticks: 1 done, 0 failed, 0 skipped");
    let began = between(last, "last tick: 0 at ", ", took ").and_then(|at| humantime::parse_rfc3339(at).ok());
    let age = began.and_then(|began| SystemTime::now().duration_since(began).ok());
    assert!(age.is_some_and(|age| age < Duration::from_secs(120)), "{last}");
    let due_in = between(next, "next tick: 1 in ", ", at ").and_then(|span| humantime::parse_duration(span).ok());
    assert!(due_in.is_some_and(|span| (3400..=3600).contains(&span.as_secs())), "{next}");
}

#[test]
fn the_json_has_every_count_and_the_last_tick_and_the_next_one() {
    let home = Home::new();
    start(&home, "1h", "fails");
    let told = &json_of(&home)["ticks"];
    assert_eq!((&told["done"], &told["failed"], &told["skipped"]), (&json!(0), &json!(1), &json!(0)));
    assert_eq!((&told["paused"], &told["running"]), (&json!(false), &Value::Null));
    let last = &told["last"];
    assert_eq!((&last["number"], &last["ok"], &last["error"]), (&json!(0), &json!(false), &json!("no such luck")));
    assert!(last["seconds"].as_f64().is_some_and(|seconds| seconds >= 0.0), "{told}");
    let recent = told["recent"].as_array().expect("a list");
    assert_eq!((recent.len(), &recent[0]["number"], &recent[0]["ok"]), (1, &json!(0), &json!(false)));
    assert_eq!(recent[0]["seconds"], last["seconds"]);
    let moment = |tick: &Value| tick["time"].as_str().and_then(|at| humantime::parse_rfc3339(at).ok());
    let until = moment(&told["next"]).and_then(|at| at.duration_since(moment(last)?).ok());
    assert!(until.is_some_and(|until| (3590..=3610).contains(&until.as_secs())), "{told}");
    let fields = ask(&home, &["status", "--fields", "pid,ticks"]);
    assert!(fields.stdout.starts_with(&format!("actor -- pid: {}, ticks: {{", home.pid())), "{fields:?}");
}

#[test]
fn the_counts_are_those_of_the_ticks_that_there_were() {
    let home = Home::new();
    // Else a slow machine leaves some out.
    let program = ticking(&home, "1ms", "well fails panics well").set("ACTOR_MISSED", "burst");
    assert_eq!(program.set("ACTOR_STDERR", home.path("log")).run(&["start"]).code, 0);
    let counted = |told: &Value| told["done"].as_u64().zip(told["failed"].as_u64()).expect("counts");
    eventually("ten ticks", || counted(&json_of(&home)["ticks"]).0 >= 10);
    assert_eq!(counted(&json_of(&home)["ticks"]).1, 2);
    let before = counted(&json_of(&home)["ticks"]).0;
    assert!(home.lines("notes").len() as u64 >= before + 2);
}

#[test]
fn the_last_32_ticks_are_told_the_oldest_first_each_with_how_it_came_out() {
    let home = Home::new();
    let words: Vec<_> = (0..40).map(|number| if number == 20 { "fails" } else { "well" }).chain(["waits"]).collect();
    // Each is told of: none follows the one before at once.
    let program = ticking(&home, "5ms", &words.join(" ")).set("ACTOR_MISSED", "delay");
    assert_eq!(program.set("ACTOR_STDERR", home.path("log")).run(&["start"]).code, 0);
    eventually("the tick that waits", || json_of(&home)["ticks"]["running"]["number"] == json!(40));
    let told = json_of(&home);
    let recent = told["ticks"]["recent"].as_array().expect("a list").iter();
    let recent: Vec<_> = recent.map(|tick| (tick["number"].as_u64(), tick["ok"].as_bool())).collect();
    assert_eq!(recent, (8..40).map(|number| (Some(number), Some(number != 20))).collect::<Vec<_>>());
}

#[test]
fn ticks_that_were_left_out_are_counted() {
    let home = Home::new();
    start(&home, "20ms", "well waits well");
    eventually("the second tick to run", || json_of(&home)["ticks"]["running"]["number"] == json!(1));
    let running = below(&ask(&home, &["status"]));
    assert!(running.iter().any(|line| line.starts_with("running tick: 1 for ")), "{running:?}");
    eventually("some to come due", || json_of(&home)["ticks"]["running"]["seconds"].as_f64() >= Some(0.1));
    home.go();
    eventually("it to go on", || json_of(&home)["ticks"]["done"].as_u64() >= Some(3));
    assert!(json_of(&home)["ticks"]["skipped"].as_u64() >= Some(4));
}

#[test]
fn what_the_worker_says_is_shown_and_none_of_its_words_commands_the_terminal() {
    let home = Home::new();
    start(&home, "1h", "says");
    assert!(below(&ask(&home, &["status"])).contains(&"says: warming up \u{fffd}[2J".to_owned()));
    assert_eq!(json_of(&home)["status_text"], json!("warming up \u{fffd}[2J"));
    ask(&home, &["stop"]);
    start(&home, "1h", "shouts");
    let shown = below(&ask(&home, &["status"]));
    assert!(shown[1].ends_with(", failed: \u{fffd}[31mred\u{fffd} and more"), "{shown:?}");
}

#[test]
fn a_daemon_that_does_not_repeat_has_no_record_and_tells_of_no_ticks() {
    let home = Home::new();
    assert_eq!(home.actor("ready").run(&["start"]).code, 0);
    assert_eq!(home.run_names(), ["actor.pid", "actor.pid.claim"]);
    let told = home.actor("ready").run(&["status"]);
    assert_eq!(told.stdout.lines().count(), 1, "{told:?}");
    let told = home.actor("ready").run(&["status", "--json", "--fields", "ticks"]);
    told.assert(0, "{\"ticks\":null}\n", "");
}

#[test]
fn the_record_goes_with_the_daemon_and_what_a_kill_left_is_not_believed() {
    let home = Home::new();
    let pid = start(&home, "1h", "well");
    assert_eq!(fs::metadata(record(&home)).expect("there").permissions().mode() & 0o7777, 0o644);
    ask(&home, &["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
    let killed = start(&home, "1h", "fails");
    assert_ne!(pid, killed);
    kill(Pid::from_raw(killed), Signal::SIGKILL).expect("killed");
    eventually("its end", || is_over(killed));
    let told = ask(&home, &["status"]);
    assert_eq!((told.code, told.stdout.lines().count()), (1, 1), "{told:?}");
    start(&home, "1h", "well");
    assert_eq!(json_of(&home)["ticks"]["failed"], json!(0));
    ask(&home, &["stop"]);
    home.assert_nothing_left();
}

#[test]
fn what_a_kill_left_is_cleared_away_by_a_stop_and_by_the_start_of_another_daemon() {
    let home = Home::new();
    let killed = |pid| {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
        eventually("its end", || is_over(pid));
        assert!(record(&home).exists());
    };
    killed(start(&home, "1h", "well"));
    assert_eq!(ask(&home, &["stop"]).code, 0);
    home.assert_nothing_left();
    killed(start(&home, "1h", "well"));
    assert_eq!(home.actor("ready").run(&["start"]).code, 0);
    assert!(!record(&home).exists());
}

#[test]
fn a_record_that_was_damaged_or_taken_away_is_told_as_such_and_harms_nobody() {
    let home = Home::new();
    start(&home, "1h", "well");
    let untold = || {
        let told = ask(&home, &["status"]);
        let lines = below(&told);
        lines.first().and_then(|line| line.strip_prefix("ticks: cannot be told (").map(str::to_owned))
    };
    // With that it writes nothing more for an hour.
    eventually("the next one to be waited for", || !json_of(&home)["ticks"]["next"].is_null());
    fs::write(record(&home), "no record of ours at all").expect("ours");
    assert!(untold().is_some_and(|why| why.contains("it is no record of a daemon")));
    assert_eq!(json_of(&home)["ticks"], Value::Null);
    fs::remove_file(record(&home)).expect("ours");
    assert!(untold().is_some());
    std::os::unix::fs::symlink("/etc/passwd", record(&home)).expect("ours");
    assert!(untold().is_some_and(|why| why.contains("is a symbolic link")));
    ask(&home, &["stop"]).assert(0, "Stopping actor ... OK\n", "");
    assert_eq!(home.run_names(), ["actor.pid.record"], "what is not ours stays");
}

#[test]
fn what_stands_in_the_place_of_the_record_and_is_none_is_told_by_the_start_and_stays() {
    let home = Home::new();
    fs::create_dir(record(&home)).expect("ours");
    let told = ticking(&home, "1h", "well").run(&["start"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, "Starting actor ... FAILED\n"));
    assert!(told.stderr.contains("actor.pid.record is a directory"), "{told:?}");
    assert_eq!(home.run_names(), ["actor.pid.record"]);
}

#[test]
fn the_counts_go_on_over_a_reload() {
    let home = Home::new();
    let pid = start(&home, "20ms", "reloads");
    eventually("some ticks", || json_of(&home)["ticks"]["done"].as_u64() >= Some(5));
    home.go();
    eventually("the reload", || !home.path("go").exists());
    eventually("the new image's first tick", || {
        home.lines("notes").iter().filter(|line| *line == "tick 0").count() == 2
    });
    let told = json_of(&home);
    assert_eq!((&told["pid"], &told["ticks"]["failed"]), (&json!(pid), &json!(0)));
    assert!(told["ticks"]["done"].as_u64() >= Some(5), "{told}");
    ask(&home, &["stop"]);
    home.assert_nothing_left();
}

#[test]
fn a_daemon_begun_anew_instead_of_forked_tells_of_its_ticks_too() {
    let home = Home::new();
    let told = ticking(&home, "1h", "well").set("ACTOR_DETACH", "exec").set("ACTOR_THREADS", "1").run(&["start"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert_eq!(json_of(&home)["ticks"]["done"], json!(1));
    ask(&home, &["stop"]);
    home.assert_nothing_left();
}

#[test]
fn any_account_that_can_read_the_pidfile_is_told() {
    if !is_root("any_account_that_can_read_the_pidfile_is_told") {
        return;
    }
    let home = Home::new();
    start(&home, "1h", "well");
    let told = home.as_nobody(home.actor("ticks")).run(&["status"]);
    assert_eq!(below(&told)[0], "ticks: 1 done, 0 failed, 0 skipped");
}
