//! runit: runsv, by sv.

use crate::home::{Home, Told, eventually};
use crate::supervised::{Supervisor, porter_pid, script, with_porter, write_script};
use crate::tool::{are_there, tool};

fn begin(test: &str, home: &Home) -> Option<Supervisor> {
    if !are_there(test, &["runsv", "sv"]) {
        return None;
    }
    write_script(home, "service/finish", &format!("#!/bin/sh\necho \"$1 $2\" >>{}\n", home.path("ends").display()));
    let mut program = with_porter(home, tool(home, "runsv"));
    program.0.arg(home.path("service"));
    Some(Supervisor::begin(home, program))
}

/// It is sv that runs the script `check`, so that needs to know where the pidfile is.
fn control(home: &Home, words: &[&str]) -> Told {
    let sv = with_porter(home, tool(home, "sv"));
    sv.run(&[words, &[&home.path("service").display().to_string()]].concat())
}

#[test]
fn runit_tells_the_state_reloads_in_place_restarts_and_stops_in_order() {
    let home = Home::new();
    script(&home, "service/run", "### runit");
    script(&home, "service/check", "`check`");
    let test = "runit_tells_the_state_reloads_in_place_restarts_and_stops_in_order";
    let Some(mut supervisor) = begin(test, &home) else { return };
    let pid = porter_pid(&home);
    let status = |pid| control(&home, &["status"]).stdout.contains(&format!("(pid {pid})"));
    let told = control(&home, &["-w", "20", "start"]);
    assert!(told.code == 0 && told.stdout.starts_with("ok: run:") && status(pid), "{told:?}");

    assert_eq!(control(&home, &["hup"]).code, 0);
    eventually("the same pid", || status(pid) && porter_pid(&home) == pid);

    assert_eq!(control(&home, &["-w", "20", "restart"]).code, 0);
    eventually("the next one", || home.path("porter.pid").exists() && porter_pid(&home) != pid);
    assert!(status(porter_pid(&home)));

    let told = control(&home, &["-w", "20", "stop"]);
    assert!(told.code == 0 && told.stdout.starts_with("ok: down:"), "{told:?}");
    assert!(!home.path("porter.pid").exists());
    // Each time by itself, and well; runit's -1 is an end by a signal.
    assert_eq!(home.lines("ends"), ["0 0", "0 0"]);
    assert_eq!(control(&home, &["-w", "20", "exit"]).code, 0);
    supervisor.await_end();
}

#[test]
fn runit_sees_the_workers_exit_code() {
    let home = Home::new();
    let (actor, pidfile) = (env!("CARGO_BIN_EXE_actor"), home.pidfile());
    let text =
        format!("#!/bin/sh\nsv once .\nACTOR_ROLE=exits:42 ACTOR_PIDFILE={} exec {actor} run\n", pidfile.display());
    write_script(&home, "service/run", &text);
    let Some(mut supervisor) = begin("runit_sees_the_workers_exit_code", &home) else { return };
    eventually("the end", || home.lines("ends").first().is_some_and(|end| end == "42 0"));
    assert_eq!(control(&home, &["-w", "20", "exit"]).code, 0);
    supervisor.await_end();
}
