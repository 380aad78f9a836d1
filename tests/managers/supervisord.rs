//! supervisord, by supervisorctl.

use std::fs;

use crate::home::{Home, Told, eventually};
use crate::machine::path_of;
use crate::readme;
use crate::supervised::{Supervisor, porter_pid, with_porter};
use crate::tool::{are_there, says, tool};

/// What supervisord itself needs, in a directory of its own.
const ITSELF: &str = "[supervisord]
nodaemon=true
logfile=HOME/supervisord.log
pidfile=HOME/supervisord.pid
[unix_http_server]
file=HOME/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://HOME/supervisor.sock
";

fn begin(test: &str, home: &Home, program: &str) -> Option<Supervisor> {
    if !are_there(test, &["supervisord", "supervisorctl"]) {
        return None;
    }
    let own = home.path("").display().to_string();
    let text = ITSELF.replace("HOME", own.trim_end_matches('/')) + program;
    fs::write(home.path("supervisord.conf"), text).expect("written");
    let mut program = with_porter(home, tool(home, "supervisord"));
    program.0.arg("-c").arg(home.path("supervisord.conf"));
    let supervisor = Supervisor::begin(home, program);
    eventually("supervisord", || control(home, &["pid"]).code == 0);
    Some(supervisor)
}

fn control(home: &Home, words: &[&str]) -> Told {
    let conf = home.path("supervisord.conf").display().to_string();
    says(home, "supervisorctl", &[&["-c", &conf][..], words].concat())
}

#[test]
fn supervisord_tells_the_state_reloads_in_place_restarts_and_stops_in_order() {
    let home = Home::new();
    let test = "supervisord_tells_the_state_reloads_in_place_restarts_and_stops_in_order";
    let conf = readme::block("### supervisord", &[("/usr/local/bin/porter", &path_of(&home, "porter"))]);
    let Some(mut supervisor) = begin(test, &home, &conf) else { return };
    let is_running = |pid| {
        let told = control(&home, &["status", "porter"]);
        told.code == 0 && told.stdout.contains("RUNNING") && told.stdout.contains(&format!("pid {pid},"))
    };
    let pid = porter_pid(&home);
    eventually("RUNNING", || is_running(pid));

    assert_eq!(control(&home, &["signal", "HUP", "porter"]).code, 0);
    eventually("the same pid", || is_running(pid) && porter_pid(&home) == pid);

    control(&home, &["restart", "porter"]).assert(0, "porter: stopped\nporter: started\n", "");
    let next = porter_pid(&home);
    assert!(next != pid && is_running(next));

    control(&home, &["stop", "porter"]).assert(0, "porter: stopped\n", "");
    let told = control(&home, &["status", "porter"]);
    assert!(told.code == 3 && told.stdout.contains("STOPPED"), "{told:?}");
    assert!(!home.path("porter.pid").exists());
    let log = home.read("supervisord.log");
    assert!(log.contains("stopped: porter (exit status 0)"), "{log}");
    assert_eq!(control(&home, &["shutdown"]).code, 0);
    supervisor.await_end();
}

#[test]
fn supervisord_sees_the_workers_exit_code() {
    let home = Home::new();
    let test = "supervisord_sees_the_workers_exit_code";
    let actor = env!("CARGO_BIN_EXE_actor");
    let pidfile = home.pidfile().display().to_string();
    let program = format!(
        "[program:actor]\ncommand={actor} run\nautorestart=false\nstartretries=0\nstartsecs=0\nexitcodes=0\n\
         environment=ACTOR_ROLE=\"exits:42\",ACTOR_PIDFILE=\"{pidfile}\"\n"
    );
    let Some(mut supervisor) = begin(test, &home, &program) else { return };
    eventually("the end", || control(&home, &["status", "actor"]).stdout.contains("EXITED"));
    let log = home.read("supervisord.log");
    assert!(log.contains("exited: actor (exit status 42; not expected)"), "{log}");
    assert_eq!(control(&home, &["shutdown"]).code, 0);
    supervisor.await_end();
}
