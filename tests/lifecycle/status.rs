//! `status` is a pure question, with the same true answer for everybody who may ask.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::home::{Home, Told, eventually, is_root};
use crate::hostile::Innocent;

#[track_caller]
fn start(home: &Home, role: &str) -> i32 {
    let told = home.actor(role).run(&["start"]);
    assert_eq!(told.code, 0, "{told:?}");
    told.assert(0, &format!("Starting actor ... OK (pid {})\n", home.pid()), "");
    home.pid()
}

fn status(home: &Home, flags: &[&str]) -> Told {
    home.actor("ready").run(&[&["status"], flags].concat())
}

fn status_for_nobody(home: &Home) -> Told {
    home.as_nobody(home.actor("ready")).run(&["status"])
}

fn json_of(told: &Told) -> Value {
    assert_eq!((told.stderr.as_str(), told.stdout.lines().count()), ("", 1));
    serde_json::from_str(&told.stdout).expect("JSON")
}

/// A daemon that was killed, and that the kernel has done with.
fn dead(home: &Home) -> i32 {
    let pid = start(home, "ready");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    eventually("the daemon to be gone", || status(home, &[]).code == 1);
    pid
}

/// Whether it is a number with exactly one digit after the point.
fn has_one_decimal(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(whole, tenths)| is_number(whole) && is_number(tenths) && tenths.len() == 1)
}

#[track_caller]
fn assert_told_running(told: &Told, pid: i32) {
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    let start = format!("actor -- pid: {pid}, status: running, uptime: 0m, %cpu: ");
    let shares = told.stdout.strip_prefix(&start).and_then(|rest| rest.strip_suffix('\n'));
    let (cpu, memory) = shares.and_then(|rest| rest.split_once(", %mem: ")).unwrap_or_else(|| panic!("{told:?}"));
    assert!(has_one_decimal(cpu) && has_one_decimal(memory), "{told:?}");
}

#[test]
fn a_daemon_that_runs_is_told_in_one_line() {
    let home = Home::new();
    let pid = start(&home, "ready");
    assert_told_running(&status(&home, &[]), pid);
}

#[test]
fn a_daemon_that_does_not_run_is_told_with_3() {
    let home = Home::new();
    status(&home, &[]).assert(3, "actor -- not running\n", "");
    start(&home, "ready");
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    status(&home, &[]).assert(3, "actor -- not running\n", "");
}

#[test]
fn a_dead_daemon_whose_pidfile_is_left_is_told_with_1_and_why() {
    let home = Home::new();
    let pid = dead(&home);
    let why = format!("{} was left behind by pid {pid}", home.pidfile().display());
    status(&home, &[]).assert(1, &format!("actor -- not running ({why})\n"), "");
}

#[test]
fn the_json_of_a_running_daemon_has_the_documented_fields() {
    let home = Home::new();
    let pid = start(&home, "ready");
    let told = status(&home, &["--json"]);
    assert_eq!(told.code, 0);
    let all = json_of(&told);
    assert_eq!((&all["name"], &all["status"], &all["pid"]), (&json!("actor"), &json!("running"), &json!(pid)));
    assert_eq!(all["group_num_procs"], json!(1));
    for field in ["uptime", "cpu_percent", "memory_percent"] {
        assert!(all[field].as_f64().is_some_and(|number| number >= 0.0), "{field}: {all}");
    }
}

#[test]
fn the_json_of_a_daemon_that_does_not_run_says_dead_whatever_was_asked() {
    let home = Home::new();
    let dead_one = json!({"name": "actor", "status": "dead"});
    for flags in [&["--json"][..], &["--json", "--fields", "pid,uptime"]] {
        let told = status(&home, flags);
        assert_eq!((told.code, json_of(&told)), (3, dead_one.clone()));
    }
    dead(&home);
    let told = status(&home, &["--json"]);
    assert_eq!((told.code, json_of(&told)), (1, dead_one));
}

#[test]
fn the_fields_asked_for_are_told_and_no_others() {
    let home = Home::new();
    let pid = start(&home, "ready");
    let line = format!("actor -- status: running, pid: {pid}, name: actor\n");
    status(&home, &["--fields", "status,pid,name"]).assert(0, &line, "");
    let told = status(&home, &["--fields", "pid", "--fields", "ppid,uid", "--json"]);
    let mine = nix::unistd::geteuid().as_raw();
    // Whoever adopts orphans here.
    let fields = json_of(&told);
    assert!(fields["ppid"].is_u64(), "{fields}");
    assert_eq!(fields, json!({"pid": pid, "ppid": fields["ppid"], "uid": mine}));
}

#[test]
fn the_group_is_the_daemons_session_with_its_children() {
    let home = Home::new();
    let pid = start(&home, "deaf-parent");
    // The second child leaves the session.
    let count = || json_of(&status(&home, &["--json", "--fields", "group_num_procs"]));
    eventually("two to be counted", || count() == json!({"group_num_procs": 2}));
    let told = json_of(&status(&home, &["--json", "--fields", "group_num_procs,open_files,pid"]));
    assert_eq!((&told["group_num_procs"], &told["pid"]), (&json!(2), &json!(pid)));
    let files = told["open_files"].as_array().expect("a list");
    let is_a_file = |file: &Value| file[0].is_string() && file[1].is_u64();
    assert!(files.iter().all(is_a_file), "{told}");
    assert!(files.contains(&json!(["/dev/null", 0])), "{told}");
    let line = status(&home, &["--fields", "group_num_procs"]);
    line.assert(0, "actor -- group_num_procs: 2\n", "");
}

#[test]
fn an_unknown_field_is_refused_with_those_that_are_known() {
    let home = Home::new();
    let told = status(&home, &["--fields", "pid,colour"]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""));
    let known = ["name", "status", "pid", "uptime", "cpu_percent", "memory_percent", "group_num_procs", "open_files"];
    for word in ["colour"].into_iter().chain(known) {
        assert!(told.stderr.contains(word), "{word}: {}", told.stderr);
    }
}

#[test]
fn a_daemon_on_its_way_is_known_by_the_pid_that_its_start_will_tell() {
    let home = Home::new();
    let start = home.actor("ready-on-go").set("ACTOR_READY", "notify").spawn(&["start"]);
    eventually("the daemon to be there", || home.pidfile().exists());
    let pid = home.pid();
    assert_told_running(&status(&home, &[]), pid);
    home.go();
    Told::of(start).assert(0, &format!("Starting actor ... OK (pid {pid})\n"), "");
}

/// All that is in the pidfile's folder, so that the slightest change shows; but not when it was read.
fn traces(home: &Home) -> Vec<String> {
    let mut names = home.run_names();
    names.push(".".to_owned());
    let trace = |name: String| {
        let m = home.path("run").join(&name).symlink_metadata().expect("there");
        let times = [m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()];
        format!("{name}: inode {}, {} bytes, mode {:o}, {times:?}", m.ino(), m.len(), m.mode())
    };
    names.into_iter().map(trace).collect()
}

#[test]
fn a_question_changes_nothing_on_disk() {
    let home = Home::new();
    let ask = |what: &str| {
        let before = traces(&home);
        for flags in [&[][..], &["--json"], &["--fields", "open_files"]] {
            status(&home, flags);
        }
        assert_eq!(traces(&home), before, "{what}");
    };
    ask("nothing runs");
    start(&home, "ready");
    ask("it runs");
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    dead(&home);
    ask("it is dead");
}

#[test]
fn a_question_makes_no_folder() {
    let home = Home::new();
    fs::remove_dir(home.path("run")).expect("empty");
    status(&home, &[]).assert(3, "actor -- not running\n", "");
    home.actor("ready").run(&["stop"]).assert(0, "", "warning: actor is not running\n");
    assert!(!home.path("run").exists());
}

#[test]
fn another_account_is_told_the_same() {
    if !is_root("another_account_is_told_the_same") {
        return;
    }
    let home = Home::new();
    let not_running = |told: Told| told.assert(3, "actor -- not running\n", "");
    not_running(status_for_nobody(&home));
    let pid = start(&home, "ready");
    assert_told_running(&status_for_nobody(&home), pid);
    assert_eq!(home.actor("ready").run(&["stop"]).code, 0);
    not_running(status_for_nobody(&home));
    let pid = dead(&home);
    let why = format!("{} was left behind by pid {pid}", home.pidfile().display());
    let line = format!("actor -- not running ({why})\n");
    // The number is free when the daemon's parent has heard of its end.
    eventually("another account to see it", || status_for_nobody(&home).stdout == line);
    assert_eq!(status_for_nobody(&home).code, 1);
}

#[test]
fn another_account_that_cannot_tell_says_so_with_4() {
    if !is_root("another_account_that_cannot_tell_says_so_with_4") {
        return;
    }
    let home = Home::new();
    let assert_unknown = |what: &str| {
        let told = status_for_nobody(&home);
        assert_eq!((told.code, told.stderr.as_str()), (4, ""), "{what}: {told:?}");
        assert!(told.stdout.starts_with("actor -- cannot tell whether it is running ("), "{what}: {told:?}");
        let told = home.as_nobody(home.actor("ready")).run(&["status", "--json"]);
        assert_eq!((told.code, json_of(&told)), (4, json!({"name": "actor", "status": "unknown"})), "{what}");
        let told = home.as_nobody(home.actor("ready")).run(&["stop"]);
        assert_eq!((told.code, told.stdout.as_str()), (4, "Stopping actor ... FAILED\n"), "{what}: {told:?}");
        assert!(told.stderr.starts_with("error: cannot tell"), "{what}: {told:?}");
    };
    let pid = start(&home, "reads-its-pidfile");
    assert_unknown("the witness is lost");
    assert_told_running(&status(&home, &[]), pid);
    fs::remove_file(home.pidfile()).expect("removed");
    assert_unknown("the pidfile is removed");
    let mut innocent = Innocent::new();
    fs::write(home.pidfile(), format!("{}\n", innocent.pid())).expect("written");
    assert_unknown("the pidfile names a stranger");
    innocent.assert_alive();
    assert_told_running(&status(&home, &[]), pid);
}
