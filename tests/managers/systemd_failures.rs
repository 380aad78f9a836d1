//! systemd: what goes wrong is seen as it is, by exit codes, signals and the watchdog.

use std::fs;

use crate::home::{Home, eventually};
use crate::machine::Machine;

/// A service that plays a role of the actor's, with more lines for its unit.
fn actor<'a>(test: &str, home: &'a Home, role: &str, lines: &str) -> Option<Machine<'a>> {
    let machine = Machine::boot(test, home)?;
    let actor = env!("CARGO_BIN_EXE_actor");
    let unit = format!(
        "[Service]\nType=notify\nExecStart={actor} run\nStandardError=append:{}\n{lines}",
        home.path("stderr").display()
    );
    machine.write("actor.service", &unit);
    let (pidfile, notes, go) = (home.pidfile(), home.path("notes"), home.path("go"));
    let [pidfile, notes, go] = [pidfile, notes, go].map(|path| path.display().to_string());
    let variables = [("ACTOR_ROLE", role), ("ACTOR_PIDFILE", &pidfile), ("ACTOR_NOTES", &notes), ("ACTOR_GO", &go)];
    machine.surround("actor", &variables);
    Some(machine)
}

#[test]
fn a_start_that_fails_has_the_exit_code_of_the_worker_and_leaves_nothing() {
    let home = Home::new();
    let test = "a_start_that_fails_has_the_exit_code_of_the_worker_and_leaves_nothing";
    let Some(machine) = actor(test, &home, "exits:42", "") else { return };
    let told = machine.systemctl(&["start", "actor"]);
    assert_eq!(told.code, 1, "{told:?}");
    let shown = machine.show("actor", &["ActiveState", "Result", "ExecMainCode", "ExecMainStatus"]);
    assert_eq!(shown, ["failed", "exit-code", "1", "42"]);
    assert_eq!(home.run_names(), Vec::<String>::new());
}

#[test]
fn an_error_after_it_was_ready_is_a_failure_with_its_words_on_stderr() {
    let home = Home::new();
    let test = "an_error_after_it_was_ready_is_a_failure_with_its_words_on_stderr";
    let Some(machine) = actor(test, &home, "ready-then-fails", "") else { return };
    machine.succeeds(&["start", "actor"]);
    home.go();
    machine.await_state("actor", "failed");
    assert_eq!(machine.show("actor", &["Result", "ExecMainStatus"]), ["exit-code", "1"]);
    assert_eq!(home.read("stderr"), "error: too late to tell\n");
    assert_eq!(home.run_names(), Vec::<String>::new());
}

#[test]
fn what_was_killed_is_begun_again_where_the_unit_says_so() {
    let home = Home::new();
    let test = "what_was_killed_is_begun_again_where_the_unit_says_so";
    let Some(machine) = actor(test, &home, "ready", "Restart=on-failure\nRestartSec=0\n") else { return };
    machine.succeeds(&["start", "actor"]);
    let pid = home.pid().to_string();
    machine.succeeds(&["kill", "--signal=KILL", "actor"]);
    eventually("another one", || machine.show("actor", &["NRestarts"]) == ["1"]);
    machine.await_state("actor", "active");
    let next = home.pid().to_string();
    assert_eq!(machine.show("actor", &["MainPID"]), [next.as_str()]);
    assert_ne!(next, pid);
    machine.succeeds(&["stop", "actor"]);
}

/// It is heard of for more than twice as long as it may be silent.
#[track_caller]
fn assert_gives_signs_of_life(machine: &Machine<'_>, who: &str) {
    let beats = || machine.show("actor", &["WatchdogTimestampMonotonic"])[0].parse::<u64>().expect("a time");
    let first = beats();
    eventually("signs of life", || beats() > first + 1_200_000);
    assert_eq!(machine.show("actor", &["ActiveState", "NRestarts"]), ["active", "0"], "{who}");
}

#[test]
fn a_daemon_that_waits_or_ticks_gives_signs_of_life() {
    for (role, every) in [("ready", ""), ("ticks", "100ms"), ("ticks", "3600s")] {
        let home = Home::new();
        let test = "a_daemon_that_waits_or_ticks_gives_signs_of_life";
        let Some(machine) = actor(test, &home, role, "WatchdogSec=500ms\n") else { return };
        let pidfile = home.pidfile().display().to_string();
        machine.surround("actor", &[("ACTOR_ROLE", role), ("ACTOR_PIDFILE", &pidfile), ("ACTOR_EVERY", every)]);
        machine.succeeds(&["start", "actor"]);
        assert_gives_signs_of_life(&machine, &format!("{role} {every}"));
        machine.succeeds(&["stop", "actor"]);
        assert_eq!(home.lines("ends"), ["success exited 0"]);
    }
}

#[test]
fn an_async_worker_that_awaits_the_shutdown_gives_signs_of_life() {
    let home = Home::new();
    let test = "an_async_worker_that_awaits_the_shutdown_gives_signs_of_life";
    let Some(machine) = actor(test, &home, "", "WatchdogSec=500ms\n") else { return };
    let program = env!("CARGO_BIN_EXE_asynchronous");
    machine.write("actor.service", &format!("[Service]\nType=notify\nExecStart={program} run\nWatchdogSec=500ms\n"));
    machine.surround("actor", &[("ACTOR_ROLE", "waits")]);
    machine.succeeds(&["start", "actor"]);
    assert_gives_signs_of_life(&machine, "asynchronous");
    machine.succeeds(&["stop", "actor"]);
}

#[test]
fn a_worker_that_hangs_is_noticed() {
    let home = Home::new();
    let test = "a_worker_that_hangs_is_noticed";
    // It gives none of its own, and no thread of ours gives one for it.
    let Some(machine) = actor(test, &home, "ready-then-fails", "WatchdogSec=500ms\nWatchdogSignal=SIGKILL\n") else {
        return;
    };
    machine.succeeds(&["start", "actor"]);
    machine.await_state("actor", "failed");
    assert_eq!(home.lines("ends"), ["watchdog killed KILL"]);
}

#[test]
fn a_worker_that_can_give_no_sign_of_life_is_told_of() {
    let home = Home::new();
    let test = "a_worker_that_can_give_no_sign_of_life_is_told_of";
    let Some(machine) = actor(test, &home, "plain", "WatchdogSec=1h\n") else { return };
    machine.succeeds(&["start", "actor"]);
    let words =
        "warning: the service manager wants a sign of life every 1h, and a worker without a `Context` gives none\n";
    assert_eq!(home.read("stderr"), words);
    machine.succeeds(&["stop", "actor"]);
    assert_eq!(home.lines("ends"), ["success exited 0"]);
}

#[test]
fn a_stop_that_takes_its_time_is_stopping_all_the_while() {
    let home = Home::new();
    let test = "a_stop_that_takes_its_time_is_stopping_all_the_while";
    let Some(machine) = actor(test, &home, "slow", "") else { return };
    machine.surround(
        "actor",
        &[
            ("ACTOR_ROLE", "slow"),
            ("ACTOR_PIDFILE", &home.pidfile().display().to_string()),
            ("ACTOR_NOTES", &home.path("notes").display().to_string()),
            ("ACTOR_GO", &home.path("go").display().to_string()),
        ],
    );
    machine.succeeds(&["start", "actor"]);
    // By a signal of somebody else's: that the end has begun, systemd knows from the daemon alone.
    let pid = machine.show("actor", &["MainPID"])[0].clone();
    machine.look(&format!("kill -TERM {pid}"));
    eventually("the worker to be asked", || home.lines("notes") == ["asked"]);
    machine.await_state("actor", "deactivating");
    assert_eq!(machine.show("actor", &["SubState"]), ["stop-sigterm"]);
    home.go();
    machine.await_state("actor", "inactive");
    assert_eq!(home.lines("ends"), ["success exited 0"]);
    assert!(!fs::exists(home.pidfile()).unwrap_or(true));
}

#[test]
fn children_are_not_told_of_the_manager() {
    let home = Home::new();
    let test = "children_are_not_told_of_the_manager";
    let Some(machine) = actor(test, &home, "parent", "WatchdogSec=1h\n") else { return };
    machine.succeeds(&["start", "actor"]);
    eventually("the child", || !home.lines("notes").is_empty());
    let child = home.lines("notes")[0].clone();
    let environment = machine.look(&format!("tr '\\0' '\\n' </proc/{child}/environ"));
    assert!(environment.contains("ACTOR_ROLE=parent"), "{environment}");
    assert!(!environment.contains("NOTIFY_SOCKET") && !environment.contains("WATCHDOG_"), "{environment}");
}
