//! Without /proc, or with one that hides the processes of others: who the daemon is the locks tell all the same, and what only
//! /proc can tell is left open.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::home::{Home, Program, eventually, is_over};
use crate::surroundings::{assert_wholly_told, may_mount, start, then_nobody, with_hidden_proc, without_proc};

const NOT_RUNNING: &str = "warning: actor is not running\n";
const LISTLESS: &str = "error: cannot close the inherited descriptors: /proc, which lists them, is not mounted; mount it, or set \
                        `close_fds = \"none\"`\n";

/// A line that tells of a running daemon no more than that.
fn barely(pid: i32, why: &str) -> String {
    format!("actor -- pid: {pid}, status: running (uptime, %cpu, %mem cannot be told: {why})\n")
}

fn ready(home: &Home) -> Program {
    home.actor("ready")
}

/// For an account that is not root, whose folder it is.
fn nobodys(home: &Home, role: &str, place: fn(Program) -> Program) -> Program {
    let folder = home.path("run");
    std::os::unix::fs::chown(folder, Some(crate::home::NOBODY), None).expect("we are root");
    then_nobody(place(home.reachable(home.actor(role))))
}

#[test]
fn a_status_without_proc_tells_what_the_locks_tell_and_leaves_the_rest_open() {
    if !may_mount("a_status_without_proc_tells_what_the_locks_tell_and_leaves_the_rest_open") {
        return;
    }
    let home = Home::new();
    without_proc(ready(&home)).run(&["status"]).assert(3, "actor -- not running\n", "");
    let pid = start(&home, ready(&home));
    without_proc(ready(&home)).run(&["status"]).assert(0, &barely(pid, "/proc is not mounted"), "");
    let told = without_proc(ready(&home)).run(&["status", "--json"]);
    let expected = json!({"name": "actor", "status": "running", "pid": pid, "uptime": null, "cpu_percent": null,
        "memory_percent": null, "group_num_procs": null});
    assert_eq!((told.code, serde_json::from_str::<Value>(&told.stdout).expect("JSON")), (0, expected));
    let told = without_proc(ready(&home)).run(&["status", "--fields", "pid,uptime,cwd"]);
    told.assert(0, &format!("actor -- pid: {pid}, uptime: null, cwd: null\n"), "");

    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
    eventually("its end", || is_over(pid));
    let left = format!("actor -- not running ({} was left behind by pid {pid})\n", home.pidfile().display());
    without_proc(ready(&home)).run(&["status"]).assert(1, &left, "");
}

#[test]
fn a_start_without_proc_is_refused_before_anything_is_made_and_the_way_out_works() {
    if !may_mount("a_start_without_proc_is_refused_before_anything_is_made_and_the_way_out_works") {
        return;
    }
    for detach in ["true", "exec"] {
        let home = Home::new();
        let actor = || ready(&home).set("ACTOR_DETACH", detach);
        without_proc(actor()).run(&["start"]).assert(1, "Starting actor ... FAILED\n", LISTLESS);
        home.assert_nothing_left();
        let pid = start(&home, without_proc(actor().set("ACTOR_CLOSE_FDS", "none")));
        assert_wholly_told(&ready(&home).run(&["status"]), pid);
        // It is not stopped for a start that would fail.
        without_proc(actor()).run(&["restart"]).assert(1, "Starting actor ... FAILED\n", LISTLESS);
        assert_wholly_told(&ready(&home).run(&["status"]), pid);
        let already = format!("warning: actor is already running with pid {pid}\n");
        without_proc(actor()).run(&["start"]).assert(0, "", &already);
        ready(&home).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        home.assert_nothing_left();
    }
    let home = Home::new();
    without_proc(ready(&home)).run(&["run"]).assert(1, "", LISTLESS);
    home.assert_nothing_left();
}

#[test]
fn root_stops_nobody_whom_he_cannot_see_and_is_told_why() {
    if !may_mount("root_stops_nobody_whom_he_cannot_see_and_is_told_why") {
        return;
    }
    let home = Home::new();
    without_proc(ready(&home)).run(&["stop"]).assert(0, "", NOT_RUNNING);
    let pid = start(&home, ready(&home));
    let error = format!(
        "error: cannot tell whether the daemon of {} runs: whether pid {pid} has the file open that vouches for it cannot be \
         seen: /proc is not mounted; nobody was signalled\n",
        home.pidfile().display()
    );
    without_proc(ready(&home)).run(&["stop"]).assert(4, "Stopping actor ... FAILED\n", &error);
    without_proc(ready(&home)).run(&["stop", "--force"]).assert(4, "Stopping actor ... FAILED\n", &error);
    without_proc(ready(&home)).run(&["reload"]).assert(4, "", &error);
    assert_wholly_told(&ready(&home).run(&["status"]), pid);
    assert!(home.lines("last-words").is_empty());
}

#[test]
fn an_ordinary_user_without_proc_stops_his_own_daemon_and_by_force_its_group_too() {
    if !may_mount("an_ordinary_user_without_proc_stops_his_own_daemon_and_by_force_its_group_too") {
        return;
    }
    let home = Home::new();
    let own = |role: &str| nobodys(&home, role, without_proc).set("ACTOR_CLOSE_FDS", "none");
    let pid = start(&home, own("ready"));
    own("ready").run(&["status"]).assert(0, &barely(pid, "/proc is not mounted"), "");
    own("ready").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();

    std::fs::write(home.path("notes"), "").expect("written");
    std::os::unix::fs::chown(home.path("notes"), Some(crate::home::NOBODY), None).expect("we are root");
    let pid = start(&home, own("deaf-parent"));
    let told = own("deaf-parent").run(&["stop", "--timeout", "100ms", "--force"]);
    let killed = format!("warning: pid {pid} had not stopped after 100ms, and was killed\n");
    told.assert(0, "Stopping actor ... OK\n", &killed);
    let children: Vec<i32> = home.lines("notes").iter().map(|pid| pid.parse().expect("a pid")).collect();
    eventually("the end of the child in its group", || is_over(children[0]));
}

#[test]
fn an_ordinary_user_to_whom_the_daemon_is_hidden_is_told_that_it_runs() {
    if !may_mount("an_ordinary_user_to_whom_the_daemon_is_hidden_is_told_that_it_runs") {
        return;
    }
    let home = Home::new();
    let pid = start(&home, ready(&home));
    let hidden = || then_nobody(with_hidden_proc(home.reachable(ready(&home))));
    let why = format!("/proc does not show pid {pid} to this account");
    hidden().run(&["status"]).assert(0, &barely(pid, &why), "");
    hidden().run(&["start"]).assert(0, "", &format!("warning: actor is already running with pid {pid}\n"));
    let denied = format!("error: cannot send SIGTERM (15) to pid {pid}: Operation not permitted\n");
    hidden().run(&["stop"]).assert(4, "Stopping actor ... FAILED\n", &denied);
    hidden().run(&["reload"]).assert(1, "", &format!("error: cannot look at pid {pid}: {why}\n"));
    // Root sees it.
    assert_wholly_told(&with_hidden_proc(ready(&home)).run(&["status"]), pid);
    with_hidden_proc(ready(&home)).run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    hidden().run(&["status"]).assert(3, "actor -- not running\n", "");
}

#[test]
fn what_hides_the_processes_of_others_makes_no_difference_to_ones_own_daemon() {
    if !may_mount("what_hides_the_processes_of_others_makes_no_difference_to_ones_own_daemon") {
        return;
    }
    let home = Home::new();
    let own = || nobodys(&home, "ready", with_hidden_proc);
    let pid = start(&home, own());
    assert_wholly_told(&own().run(&["status"]), pid);
    let told = own().run(&["restart"]);
    told.assert(0, &format!("Stopping actor ... OK\nStarting actor ... OK (pid {})\n", home.pid()), "");
    own().run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
    home.assert_nothing_left();
}

#[test]
fn a_hidden_daemon_that_has_lost_its_locks_is_not_called_dead() {
    if !may_mount("a_hidden_daemon_that_has_lost_its_locks_is_not_called_dead") {
        return;
    }
    let home = Home::new();
    let pid = start(&home, home.actor("reads-its-folder"));
    let (pidfile, claim) = (home.pidfile(), home.path("run/actor.pid.claim"));
    let unknown = format!(
        "actor -- cannot tell whether it is running ({} names pid {pid}, which does not vouch for it, and {} belongs to another \
         user)\n",
        pidfile.display(),
        claim.display()
    );
    for place in [with_hidden_proc, without_proc] {
        then_nobody(place(home.reachable(ready(&home)))).run(&["status"]).assert(4, &unknown, "");
    }
    assert_wholly_told(&ready(&home).run(&["status"]), pid);
}
