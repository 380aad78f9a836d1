//! systemd: Type=notify, Type=forking, Type=exec; what it is told, and what `systemctl` makes of it.

use crate::home::{Home, eventually};
use crate::machine::{Machine, free_port, path_of};
use crate::readme;

/// The machine with README's unit for the porter, and the porter's port.
fn porter<'a>(test: &str, home: &'a Home, heading: &str) -> Option<(Machine<'a>, u16)> {
    let machine = Machine::boot(test, home)?;
    let port = free_port();
    let unit = readme::block(heading, &[("/usr/local/bin/porter", &path_of(home, "porter"))]);
    machine.write("porter.service", &unit);
    machine.surround("porter", &[("PORTER_ADDRESS", &format!("127.0.0.1:{port}"))]);
    Some((machine, port))
}

/// What stands in the porter's pidfile, which is where README says.
fn porter_pid(machine: &Machine<'_>) -> String {
    machine.look("cat /run/porter.pid").trim_end().to_owned()
}

/// Whether nothing of the porter's is left beside it.
fn is_porter_gone(machine: &Machine<'_>) -> bool {
    machine.look("ls /run").lines().all(|name| !name.starts_with("porter.pid"))
}

#[test]
fn type_notify_is_active_when_the_daemon_is_ready_and_shows_its_words() {
    let home = Home::new();
    let test = "type_notify_is_active_when_the_daemon_is_ready_and_shows_its_words";
    let Some((machine, port)) = porter(test, &home, "`Type=notify`") else { return };
    machine.succeeds(&["start", "porter"]);
    let shown = machine.show("porter", &["ActiveState", "SubState", "MainPID", "StatusText", "NRestarts"]);
    let pid = porter_pid(&machine);
    let words = format!("at the door of 127.0.0.1:{port}");
    assert_eq!(shown, ["active", "running", &pid, &words, "0"]);
    let status = machine.systemctl(&["status", "porter"]);
    assert!(status.code == 0 && status.stdout.contains(&format!("Status: \"{words}\"")), "{status:?}");

    machine.succeeds(&["restart", "porter"]);
    let next = machine.show("porter", &["ActiveState", "MainPID"]);
    assert_eq!(next, ["active", &porter_pid(&machine)]);
    assert_ne!(next[1], pid);

    machine.succeeds(&["stop", "porter"]);
    assert_eq!(machine.show("porter", &["ActiveState"]), ["inactive"], "{} {}", home.read("ends"), home.read("said"));
    assert_eq!(home.lines("ends"), ["success exited 0", "success exited 0"]);
    assert!(is_porter_gone(&machine));
}

#[test]
fn a_reload_is_a_new_image_in_the_same_process_and_over_when_that_is_ready() {
    let home = Home::new();
    let test = "a_reload_is_a_new_image_in_the_same_process_and_over_when_that_is_ready";
    let Some((machine, _)) = porter(test, &home, "`Type=notify`") else { return };
    machine.succeeds(&["start", "porter"]);
    let before = machine.show("porter", &["MainPID", "StateChangeTimestampMonotonic"]);
    for _ in 0..3 {
        let image = machine.show("porter", &["StateChangeTimestampMonotonic"]);
        machine.succeeds(&["reload", "porter"]);
        // Told by the daemon: from active over reloading to active again.
        eventually("the next image", || machine.show("porter", &["StateChangeTimestampMonotonic"]) != image);
        machine.await_state("porter", "active");
        assert_eq!(machine.show("porter", &["MainPID"])[0], before[0]);
    }
    machine.succeeds(&["stop", "porter"]);
    assert_eq!(home.lines("ends"), ["success exited 0"]);
}

#[test]
fn type_forking_finds_the_pidfile_whenever_the_launcher_has_ended() {
    let home = Home::new();
    let test = "type_forking_finds_the_pidfile_whenever_the_launcher_has_ended";
    let Some((machine, _)) = porter(test, &home, "`Type=forking`") else { return };
    for round in 0..50 {
        machine.succeeds(&["start", "porter"]);
        let shown = machine.show("porter", &["ActiveState", "MainPID"]);
        assert_eq!(shown, ["active", &porter_pid(&machine)], "round {round}");
        machine.succeeds(&["stop", "porter"]);
        assert_eq!(home.lines("ends"), vec!["success exited 0"; round + 1]);
        assert!(is_porter_gone(&machine));
    }
}

#[test]
fn type_exec_runs_it_and_the_verbs_of_the_program_and_of_systemctl_agree() {
    let home = Home::new();
    let test = "type_exec_runs_it_and_the_verbs_of_the_program_and_of_systemctl_agree";
    let Some((machine, _)) = porter(test, &home, "`Type=exec`") else { return };
    machine.succeeds(&["start", "porter"]);
    eventually("the pidfile", || !is_porter_gone(&machine));
    let pid = machine.show("porter", &["MainPID"])[0].clone();
    eventually("the number in it", || porter_pid(&machine) == pid);
    let mut porter = machine.program(&path_of(&home, "porter"));
    let told = porter.0.arg("status").output().expect("it runs");
    assert!(String::from_utf8_lossy(&told.stdout).starts_with(&format!("porter -- pid: {pid}, status: running")));
    let stopped = machine.program(&path_of(&home, "porter")).run(&["stop"]);
    stopped.assert(0, "Stopping porter ... OK\n", "");
    machine.await_state("porter", "inactive");
    assert_eq!(home.lines("ends"), ["success exited 0"]);
}

#[test]
fn a_start_that_detaches_under_type_notify_names_the_daemon_as_the_main_process() {
    let home = Home::new();
    let test = "a_start_that_detaches_under_type_notify_names_the_daemon_as_the_main_process";
    let Some(machine) = Machine::boot(test, &home) else { return };
    let actor = env!("CARGO_BIN_EXE_actor");
    machine.write("actor.service", &format!("[Service]\nType=notify\nExecStart={actor} start\n"));
    let pidfile = home.pidfile().display().to_string();
    machine.surround("actor", &[("ACTOR_ROLE", "ready"), ("ACTOR_PIDFILE", &pidfile), ("ACTOR_DETACH", "true")]);
    machine.succeeds(&["start", "actor"]);
    assert_eq!(machine.show("actor", &["ActiveState", "MainPID"]), ["active", &home.pid().to_string()]);
    let parent = machine.look(&format!("awk '/^PPid/ {{ print $2 }}' /proc/{}/status", home.pid()));
    assert_eq!(parent, "1\n");
    machine.succeeds(&["stop", "actor"]);
    assert_eq!(home.lines("ends"), ["success exited 0"]);
    assert_eq!(home.run_names(), Vec::<String>::new());
}
