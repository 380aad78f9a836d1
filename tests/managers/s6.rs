//! s6: s6-supervise, by s6-svc; ready is what the daemon says it is.

use std::fs;

use crate::home::{Home, Told, eventually};
use crate::supervised::{Supervisor, porter_pid, script, with_porter, write_script};
use crate::tool::{are_there, says, tool};

const TOOLS: [&str; 4] = ["s6-supervise", "s6-svc", "s6-svstat", "s6-svwait"];

fn begin(home: &Home) -> Supervisor {
    let notify = format!("{}\n", crate::readme::block("`notification-fd`", &[]).trim());
    fs::write(home.path("service/notification-fd"), notify).expect("written");
    write_script(home, "service/finish", &format!("#!/bin/sh\necho \"$1 $2\" >>{}\n", home.path("ends").display()));
    let mut program = with_porter(home, tool(home, "s6-supervise"));
    program.0.arg(home.path("service"));
    let supervisor = Supervisor::begin(home, program);
    eventually("s6-supervise", || control(home, "s6-svok", &[]).code == 0);
    supervisor
}

fn control(home: &Home, tool: &str, words: &[&str]) -> Told {
    says(home, tool, &[words, &[&home.path("service").display().to_string()]].concat())
}

fn state(home: &Home) -> String {
    control(home, "s6-svstat", &["-o", "up,ready,pid"]).stdout.trim_end().to_owned()
}

#[test]
fn s6_is_told_when_the_daemon_is_ready_reloads_in_place_restarts_and_stops_in_order() {
    let test = "s6_is_told_when_the_daemon_is_ready_reloads_in_place_restarts_and_stops_in_order";
    if !are_there(test, &TOOLS) {
        return;
    }
    let home = Home::new();
    script(&home, "service/run", "### s6");
    let mut supervisor = begin(&home);
    assert_eq!(control(&home, "s6-svwait", &["-U", "-t", "30000"]).code, 0);
    let pid = porter_pid(&home);
    assert_eq!(state(&home), format!("true true {pid}"));

    assert_eq!(control(&home, "s6-svc", &["-h"]).code, 0);
    eventually("the same pid", || state(&home) == format!("true true {pid}") && porter_pid(&home) == pid);

    assert_eq!(control(&home, "s6-svc", &["-wR", "-T", "30000", "-r"]).code, 0);
    let next = porter_pid(&home);
    assert_eq!(state(&home), format!("true true {next}"));
    assert_ne!(next, pid);

    assert_eq!(control(&home, "s6-svc", &["-wD", "-T", "30000", "-d"]).code, 0);
    assert_eq!(state(&home), "false false -1");
    assert!(!home.path("porter.pid").exists());
    assert_eq!(home.lines("ends"), ["0 0", "0 0"]);
    assert_eq!(control(&home, "s6-svc", &["-x"]).code, 0);
    supervisor.await_end();
}

#[test]
fn until_the_daemon_says_so_it_is_up_and_not_ready() {
    let test = "until_the_daemon_says_so_it_is_up_and_not_ready";
    if !are_there(test, &TOOLS) {
        return;
    }
    for (detach, verb) in [("false", "run"), ("true", "start")] {
        let home = Home::new();
        let actor = env!("CARGO_BIN_EXE_actor");
        let variables = [
            ("ACTOR_ROLE", "ready-on-go".to_owned()),
            ("ACTOR_READY", "notify".to_owned()),
            ("ACTOR_DETACH", detach.to_owned()),
            ("ACTOR_PIDFILE", home.pidfile().display().to_string()),
            ("ACTOR_GO", home.path("go").display().to_string()),
        ];
        let variables = variables.map(|(key, value)| format!("export {key}={value}\n")).concat();
        // A launcher that goes would be an end to s6, so something stays in its place.
        let text = format!("#!/bin/sh\n{variables}NOTIFY_FD=3 {actor} {verb}\nexec sleep 3600 3>&-\n");
        write_script(&home, "service/run", &text);
        let mut supervisor = begin(&home);
        eventually("the daemon", || home.pidfile().exists());
        assert!(state(&home).starts_with("true false "), "{}", state(&home));
        home.go();
        assert_eq!(control(&home, "s6-svwait", &["-U", "-t", "30000"]).code, 0);
        assert!(state(&home).starts_with("true true "), "{}", state(&home));
        let fds = fs::read_dir(format!("/proc/{}/fd", home.pid())).expect("it runs");
        let has_fifo = |fd: std::io::Result<fs::DirEntry>| {
            fs::read_link(fd.expect("an entry").path()).is_ok_and(|to| to.to_string_lossy().starts_with("pipe:"))
        };
        assert!(detach == "false" || !fds.into_iter().any(has_fifo));
        home.actor("").run(&["stop"]).assert(0, "Stopping actor ... OK\n", "");
        assert_eq!(control(&home, "s6-svc", &["-xd"]).code, 0);
        supervisor.await_end();
    }
}

#[test]
fn s6_sees_the_workers_exit_code() {
    if !are_there("s6_sees_the_workers_exit_code", &TOOLS) {
        return;
    }
    let home = Home::new();
    let (actor, pidfile) = (env!("CARGO_BIN_EXE_actor"), home.pidfile());
    let text =
        format!("#!/bin/sh\ns6-svc -O .\nACTOR_ROLE=exits:42 ACTOR_PIDFILE={} exec {actor} run\n", pidfile.display());
    write_script(&home, "service/run", &text);
    let mut supervisor = begin(&home);
    eventually("the end", || home.lines("ends").first().is_some_and(|end| end == "42 0"));
    assert_eq!(control(&home, "s6-svc", &["-xd"]).code, 0);
    supervisor.await_end();
}
